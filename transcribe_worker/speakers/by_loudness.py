"""Labels for the words of a captured call whose sides are mixed, from the loudness of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from operator import mul

from shared.loudness import SideLevels
from shared.speakers import LOUDNESS, ME, THEM, UNSURE, Label
from shared.words import Segment, Word
from transcribe_worker.speakers.activity import Activity, Heard
from transcribe_worker.speakers.turns import Change, probabilities

#: Word times of the model are off by 0.1 to 0.3 s, so what is heard around a word counts too.
AROUND_MS = 150
#: A speaker stops within this time before or after a change.
CHANGE_MS = 400
#: A word with less speech than this in it says little.
LITTLE_SPEECH_SECONDS, MOST_SPEECH_SECONDS = 0.04, 0.3
SENTENCE_ENDS, CLAUSE_ENDS = ".?!", ",;:"
#: Log odds of the near side, for each of `word_features`; of a change of speaker, always and for each of
#: `change_features`; and of a change away from a side that stops. Fitted to 21 calls of three minutes by
#: maximum likelihood, as a conditional random field (Lafferty and others, 2001).
WORD_WEIGHTS = (1.55, 0.8, 0.55, 1.25, 1.5)
CHANGE, CHANGE_WEIGHTS, STOPS = -4.5, (1.6, 3.3, 0.3, 2.1), 1.05
#: Probabilities are rounded down to these, so that a turn has few labels.
STEPS = (0.99, 0.97, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
SURE = 0.6
#: Where the far side is silent in the whole call, its loopback may be another device's: then the microphone
#: may have heard everybody.
ONE_SIDE = 0.65


def labels(segments: Sequence[Segment], levels: SideLevels) -> list[Label]:
    """Return who said the words of a whole transcript, whose segments are numbered."""
    words = [word for segment in segments for word in segment.words]
    found: list[Label] = []
    first = 0
    for (speaker, probability), run in groupby(map(_judged, likelihoods(words, levels))):
        end = first + sum(1 for _ in run)
        found.append(Label(first, end - 1, speaker, LOUDNESS, probability))
        first = end
    return found


def _judged(near: float) -> tuple[str, float]:
    """Return the speaker and the highest step that the probability reaches."""
    probability = max(near, 1 - near)
    step = next((step for step in STEPS if probability >= step), STEPS[-1])
    return UNSURE if step < SURE else ME if near > 0.5 else THEM, step


def likelihoods(words: Sequence[Word], levels: SideLevels) -> list[float]:
    """Return the probability of each word that the near side said it."""
    sides = Activity(levels)
    evidence = [_weighted(WORD_WEIGHTS, word_features(word, sides)) for word in words]
    changes = [_change(one, other, sides) for one, other in pairwise(words)]
    found = probabilities(evidence, changes)
    return found if sides.far_speaks else [min(near, ONE_SIDE) for near in found]


def word_features(word: Word, sides: Activity) -> tuple[float, ...]:
    """Return what speaks for the near side, each from -1 to 1."""
    within = sides.between(word.start_ms, word.end_ms)
    around = sides.between(word.start_ms - AROUND_MS, word.end_ms + AROUND_MS)
    speech, more = within.speech + LITTLE_SPEECH_SECONDS, around.speech + LITTLE_SPEECH_SECONDS
    return (
        (within.near - within.far) / speech,
        within.louder / speech,
        (around.near - around.far) / more,
        around.louder / more,
        max(-1.0, min(1.0, (within.near - within.far) / MOST_SPEECH_SECONDS)),
    )


def change_features(one: Word, other: Word, before: Heard, after: Heard) -> tuple[float, ...]:
    """Return what speaks for a change of speaker between two words, each from 0 to 1: a pause, the end of a
    sentence or a clause, and speech of both sides at once.
    """
    end = one.text.rstrip()[-1:]
    speech = before.speech + after.speech + LITTLE_SPEECH_SECONDS
    return (
        min(1.0, max(0.0, (other.start_ms - one.end_ms) / 1000)),
        float(end in SENTENCE_ENDS),
        float(end in CLAUSE_ENDS),
        (before.both + after.both) / speech,
    )


def _change(one: Word, other: Word, sides: Activity) -> Change:
    middle = (one.end_ms + other.start_ms) // 2
    before, after = sides.between(middle - CHANGE_MS, middle), sides.between(middle, middle + CHANGE_MS)
    any_way = CHANGE + _weighted(CHANGE_WEIGHTS, change_features(one, other, before, after))
    near_stops, far_stops = (
        (start - end) * 1000 / CHANGE_MS
        for start, end in ((before.near, after.near), (before.far, after.far))
    )
    return Change(any_way + STOPS * far_stops, any_way + STOPS * near_stops)


def _weighted(weights: Sequence[float], values: Sequence[float]) -> float:
    total: float = sum(map(mul, weights, values))
    return total
