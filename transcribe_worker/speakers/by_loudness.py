"""Labels for the words of a captured call whose sides are mixed, from the loudness of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from shared.loudness import SideLevels
from shared.speakers import LOUDNESS, ME, THEM, UNSURE, Label
from shared.words import Segment, Word
from transcribe_worker.speakers.activity import Activity, activity
from transcribe_worker.speakers.turns import probabilities

#: Word times of the model are off by 0.1 to 0.3 s.
AROUND_MS = 150
LITTLE_SPEECH_SECONDS = 0.04
W_WITHIN, W_AROUND, W_SUM = 3.0, 1.0, 1.0
C_BASE, C_GAP, C_SENTENCE, C_COMMA = -5.0, 2.0, 3.5, 0.5
#: Probabilities are rounded down to these, so that a turn has few labels.
STEPS = (0.99, 0.97, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
SURE = 0.6


def labels(segments: Sequence[Segment], levels: SideLevels) -> list[Label]:
    """Return who said the words of a whole transcript, whose segments are numbered."""
    words = [word for segment in segments for word in segment.words]
    found: list[Label] = []
    for number, near in enumerate(likelihoods(words, levels)):
        speaker, probability = _judged(near)
        if found and (found[-1].speaker, found[-1].probability) == (speaker, probability):
            found[-1] = replace(found[-1], last_word=number)
        else:
            found.append(Label(number, number, speaker, LOUDNESS, probability))
    return found


def _judged(near: float) -> tuple[str, float]:
    """Return the speaker and the highest step that the probability reaches."""
    probability = max(near, 1 - near)
    step = next((step for step in STEPS if probability >= step), STEPS[-1])
    return UNSURE if step < SURE else ME if near > 0.5 else THEM, step


def likelihoods(words: Sequence[Word], levels: SideLevels) -> list[float]:
    """Return the probability of each word that the near side said it."""
    sides = activity(levels)
    return probabilities(
        [_evidence(word, sides) for word in words], [_change(*pair) for pair in pairwise(words)]
    )


def features(word: Word, sides: Activity) -> tuple[float, float, float]:
    within, speech = sides.between(word.start_ms, word.end_ms)
    around, more = sides.between(word.start_ms - AROUND_MS, word.end_ms + AROUND_MS)
    return (
        within / (speech + LITTLE_SPEECH_SECONDS),
        around / (more + LITTLE_SPEECH_SECONDS),
        max(-1.0, min(1.0, within / 0.3)),
    )


def _evidence(word: Word, sides: Activity) -> float:
    share, wide, total = features(word, sides)
    return W_WITHIN * share + W_AROUND * wide + W_SUM * total


def change_features(one: Word, other: Word) -> tuple[float, float, float]:
    gap = min(1.0, max(0.0, (other.start_ms - one.end_ms) / 1000))
    return gap, float(one.text.rstrip()[-1:] in ".?!"), float(one.text.rstrip()[-1:] in ",;:-")


def _change(one: Word, other: Word) -> float:
    gap, sentence, comma = change_features(one, other)
    return C_BASE + C_GAP * gap + C_SENTENCE * sentence + C_COMMA * comma
