"""Labels of words in a recording with one channel, from the turns of its voices."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from shared.speakers import UNSURE, VOICES, Label, VoiceTurn, voice
from shared.words import Segment, Word

#: A word this close to a turn, in a pause, is most likely of its voice: the model's times are not exact.
NEAR_MS = 700
#: The most that is said of a word that no turn covers.
NEAR_PROBABILITY = 0.8
NOBODY = (UNSURE, 0.0)

#: A speaker, and how probable it is.
Said = tuple[str, float]


def labels(segments: Iterable[Segment], turns: Sequence[VoiceTurn]) -> list[Label]:
    """Return labels for all words of numbered segments: runs of words with one speaker and probability.

    The turns are in order. Words far from every turn are `unsure`.
    """
    if not turns:
        return []
    starts, only = [turn.start_ms for turn in turns], _only_voice(turns)
    longest_ms = max(turn.end_ms - turn.start_ms for turn in turns)
    found = [
        (number, only or _said(word, _around(word, turns, starts, longest_ms)))
        for segment in segments
        if segment.first_word is not None
        for number, word in enumerate(segment.words, segment.first_word)
    ]
    return list(_runs(found))


def _only_voice(turns: Sequence[VoiceTurn]) -> Said | None:
    """Return the voice of a recording in which there is one: then every word is its own."""
    if len({turn.voice for turn in turns}) > 1:
        return None
    return voice(turns[0].voice), min(turn.probability for turn in turns)


def _around(
    word: Word, turns: Sequence[VoiceTurn], starts: Sequence[int], longest_ms: int
) -> Sequence[VoiceTurn]:
    """Return the turns that a word may be in or near."""
    first = bisect_left(starts, word.start_ms - NEAR_MS - longest_ms)
    return turns[first : bisect_left(starts, word.end_ms + NEAR_MS + 1)]


def _said(word: Word, turns: Sequence[VoiceTurn]) -> Said:
    """Return the voice that speaks for the most of a word, or the one nearest to it."""
    overlaps: defaultdict[int, float] = defaultdict(float)
    sure: defaultdict[int, float] = defaultdict(float)
    for turn in turns:
        overlap = min(max(word.end_ms, word.start_ms + 1), turn.end_ms) - max(word.start_ms, turn.start_ms)
        if overlap > 0:
            overlaps[turn.voice] += overlap
            sure[turn.voice] += overlap * turn.probability
    if not overlaps:
        return _nearest(word, turns)
    total, number = sum(overlaps.values()), max(overlaps, key=lambda it: (overlaps[it], -it))
    return voice(number), round(sure[number] / total, 2)


def _nearest(word: Word, turns: Sequence[VoiceTurn]) -> Said:
    """Return the voice whose turn is nearest to a word in a pause, with a doubt."""
    distances = [(max(turn.start_ms - word.end_ms, word.start_ms - turn.end_ms), turn) for turn in turns]
    near = min(distances, key=lambda found: found[0], default=None)
    if near is None or near[0] > NEAR_MS:
        return NOBODY
    return voice(near[1].voice), min(near[1].probability, NEAR_PROBABILITY)


def _runs(found: Iterable[tuple[int, Said]]) -> Iterator[Label]:
    for (speaker, probability), run in groupby(found, key=lambda it: it[1]):
        numbers = [number for number, _ in run]
        yield Label(numbers[0], numbers[-1], speaker, VOICES, probability)
