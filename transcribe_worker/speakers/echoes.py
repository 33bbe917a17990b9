"""Removes words that one channel only heard from the other: by a loudspeaker, or the crosstalk of a line.

A word goes only where both say so. The audio: the channel is no louder than what it hears of the other side
explains. The text: about the same word stands on the other channel at that time, or the channel is so alike
that nothing else can be heard on it. So people who talk over each other keep their words, and those who
repeat each other as well.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

from shared.loudness import SideLevels
from shared.words import Segment, Word
from transcribe_worker.speakers.echo_paths import Path, paths

#: An echo is up to this much louder than expected: rooms and gains vary.
EXPLAINED_DB = 3.0
#: A word that the other channel has without the word beside it is an echo up to this.
SURELY_DB = 0.0
#: Beside an echo, a word with another text is one up to this, if its second correlates as well as this share
#: of what a second does where nobody else speaks.
ALIKE_DB, SURELY_ALIKE = 1.5, 0.8
#: Between words of an echo, so many others are one that was heard wrongly, up to this.
MOST_MISHEARD, MISHEARD_DB = 3, 0.0
#: The model places the words of both channels this far apart, besides the lag.
INEXACT_MS = 700
LONGEST_WORD_MS = 3_000
#: A word that was placed in less time than it takes is compared over this much.
SHORTEST_MS = 240
#: In less, its time is unknown.
LEAST_MS = 40
#: Words are about the same from this ratio of their letters on.
ABOUT_THE_SAME = 0.7
#: Small numbers by their digits.
NAMES = "zero one two three four five six seven eight nine ten eleven twelve"
NUMBERS: dict[str, str] = {str(number): name for number, name in enumerate(re.findall(r"\w+", NAMES))}


class _Compared(NamedTuple):
    """A word beside the other channel."""

    excess_db: float  # over what the other channel explains
    is_said: bool  # also on the other channel
    is_alike: bool = False  # nothing else can be heard, and somebody speaks on the other channel
    goes_on: bool = False  # the other channel has it after the word before, or before the next


class _Channel:
    """The words of a channel by time, each with its letters."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        found = [(word.start_ms, word.end_ms, _letters(word.text)) for it in segments for word in _words(it)]
        self._words = sorted(word for word in found if word[2])
        self._starts = [start_ms for start_ms, _, _ in self._words]

    def around(self, start_ms: int, end_ms: int) -> list[str]:
        """Return what is said about then."""
        first = bisect_left(self._starts, start_ms - INEXACT_MS - LONGEST_WORD_MS)
        last = bisect_left(self._starts, end_ms + INEXACT_MS)
        return [
            text for _, word_end_ms, text in self._words[first:last] if word_end_ms > start_ms - INEXACT_MS
        ]


def without_echoes(segments: Sequence[Segment], levels: SideLevels) -> list[Segment]:
    """Return the segments of two channels without words that are heard twice; empty segments are left out."""
    kept = list(segments)
    for copy, path in paths(levels).items():
        other = _Channel(it for it in segments if it.channel == 1 - copy)
        kept = [
            left
            for segment in kept
            if (left := _own(segment, path, other) if segment.channel == copy else segment) is not None
        ]
    return kept


def _own(segment: Segment, path: Path, other: _Channel) -> Segment | None:
    """Return a segment without the words of an echo, None if none is left."""
    words = _words(segment)
    echoes = _echoes(_compared(words, path, other))
    own = [word for word, is_echo in zip(words, echoes, strict=True) if not is_echo]
    if len(own) == len(words):
        return segment
    if not own:
        return None
    text = "".join(word.text for word in own).strip()
    return replace(segment, start_ms=own[0].start_ms, end_ms=own[-1].end_ms, text=text, words=tuple(own))


def _compared(words: Sequence[Word], path: Path, other: _Channel) -> list[_Compared]:
    texts = ["", *(_letters(word.text) for word in words), ""]
    return [
        _compare(word, (before, text, after), path, other)
        for word, before, text, after in zip(words, texts, texts[1:], texts[2:], strict=False)
    ]


def _compare(word: Word, texts: tuple[str, str, str], path: Path, other: _Channel) -> _Compared:
    """Compare a word; `texts` are the letters of the word before, of this word and of the next."""
    before, text, after = texts
    length_ms = word.end_ms - word.start_ms
    widened_ms = max(0, SHORTEST_MS - length_ms) // 2
    start_ms, end_ms = max(0, word.start_ms - widened_ms), word.end_ms + widened_ms
    lag_ms, _ = path.around(start_ms)
    said = other.around(start_ms - lag_ms, end_ms - lag_ms)
    excess_db = path.excess_db(start_ms, end_ms)
    correlates = path.correlation_of(start_ms, end_ms) >= SURELY_ALIKE * path.correlation
    return _Compared(
        excess_db,
        is_said=_is_among(text, said),
        is_alike=bool(said) and correlates and excess_db <= ALIKE_DB and length_ms >= LEAST_MS,
        goes_on=any(pair in ((before, text), (text, after)) for pair in pairwise(said)),
    )


def _echoes(words: Sequence[_Compared]) -> list[bool]:
    """Return which words of a segment are an echo."""
    echoes = [
        word.is_said and word.excess_db <= (EXPLAINED_DB if word.goes_on else SURELY_DB) for word in words
    ]
    if all(echo or word.is_alike for echo, word in zip(echoes, words, strict=True)):
        return [True] * len(words)
    sure = list(echoes)
    for at, word in enumerate(words):
        pairs = (sure[max(0, at - 2) : at], sure[at + 1 : at + 3])
        echoes[at] |= word.goes_on and [True, True] in pairs
    for order in (range(1, len(words)), range(len(words) - 2, -1, -1)):
        for at in order:
            echoes[at] |= words[at].is_alike and echoes[at - order.step]
    for first, last in _runs(echoes):
        misheard = words[first:last]
        is_within = _at(echoes, first - 1) and _at(echoes, last)
        is_explained = all(word.excess_db <= MISHEARD_DB for word in misheard)
        if is_within and is_explained and len(misheard) <= min(MOST_MISHEARD, sum(echoes)):
            echoes[first:last] = [True] * len(misheard)
    return echoes


def _runs(echoes: Sequence[bool]) -> list[tuple[int, int]]:
    """Return where words stand that are no echo, each run as its first word and the one after its last."""
    edges = [at for at in range(len(echoes) + 1) if _at(echoes, at - 1) != _at(echoes, at)]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _at(echoes: Sequence[bool], at: int) -> bool:
    return echoes[at] if 0 <= at < len(echoes) else True


def _is_among(text: str, said: Sequence[str]) -> bool:
    """Whether about the same word was said, alone or written as two."""
    pairs = [one + two for one, two in pairwise(said)]
    return any(
        SequenceMatcher(None, text, each, autojunk=False).ratio() >= ABOUT_THE_SAME
        for each in [*said, *pairs]
    )


def _words(segment: Segment) -> tuple[Word, ...]:
    """Return the words of a segment; the whole text is one where words have no times."""
    return segment.words or (Word(segment.start_ms, segment.end_ms, segment.text, 0.0),)


def _letters(text: str) -> str:
    """Return the letters of a word; the model writes small numbers either way."""
    letters = "".join(filter(str.isalnum, text.casefold()))
    return NUMBERS.get(letters, letters)
