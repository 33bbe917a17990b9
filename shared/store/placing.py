"""Finds the words of another transcript that a person's overlay belongs to, by time and by text. Pure.

Two transcripts of the same audio differ in words, and their times by some tenths of a second. An overlay has
the words that it was laid over and their neighbours. Where the neighbours on both sides are found again, or
the words themselves are, it belongs to what stands there now. One neighbour is enough at the same time.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate

from shared.words import Word

CORRECTION, LABEL = "correction", "label"
#: Words on each side that are kept with an overlay.
NEIGHBOURS = 3
#: How far from its old time an overlay is looked for, and how far the times of a same word may differ.
REACH_MS, SAME_WORD_MS = 3000, 1500
#: A word belongs to a time if its middle does, or lies this near.
NEAR_MS = 120
#: Share of the common time of both places, of the time of both together, without words as proof.
LEAST_OVERLAP = 0.5
#: A person's label is about a time: one this long is placed by its time alone.
LONG_LABEL_MS = 1000
#: A label over a longer text, in characters, is placed by its time: comparing its words takes too long.
LONGEST_ALIGNED = 4000


@dataclass(frozen=True)
class Overlaid:
    """What a person laid over words: a correction, or the speaker of a label."""

    kind: str
    text: str
    made_at: float
    channel: int | None = None


@dataclass(frozen=True)
class Unplaced:
    """A person's correction or label with its time and words, to find its place in another transcript.

    `text` is the correction, or the speaker of a label. `before` and `after` are neighbours, up to three, of
    the same channel; `channel` is None if the recording was decoded as one.
    """

    kind: str
    start_ms: int
    end_ms: int
    before: str
    heard: str
    after: str
    text: str
    made_at: float
    channel: int | None = None


@dataclass(frozen=True)
class Place:
    """The words from `first_word` to `last_word`, both included."""

    first_word: int
    last_word: int


def lifted(words: Sequence[Word], first_word: int, last_word: int, overlay: Overlaid) -> Unplaced | None:
    """Take an overlay off its words; None if there are no such words."""
    covered = words[max(0, first_word) : last_word + 1]
    if not covered:
        return None
    before, after = words[max(0, first_word - NEIGHBOURS) : first_word], words[last_word + 1 :][:NEIGHBOURS]
    times = (covered[0].start_ms, covered[-1].end_ms)
    said = (_said(before), _said(covered), _said(after))
    return Unplaced(overlay.kind, *times, *said, overlay.text, overlay.made_at, overlay.channel)


class Places:
    """The words of one transcript, in which overlays find their places."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words, self._plain = words, [plain(word.text) for word in words]
        # Words may overlap, so that their starts and ends are not in order.
        self._latest_ends = list(accumulate((word.end_ms for word in words), max))
        starts = accumulate((word.start_ms for word in reversed(words)), min)
        self._earliest_starts = list(starts)[::-1]

    def find(self, overlay: Unplaced) -> Place | None:
        """Return the place of an overlay; None if what stands at its time is not what it was laid over."""
        near = self._near(overlay.start_ms - REACH_MS, overlay.end_ms + REACH_MS)
        if not near:
            return None
        if len(overlay.heard) > LONGEST_ALIGNED:
            return self._by_time(overlay, near)
        found = _Alignment(overlay, self._words, self._plain, near).place()
        return Place(found[0], found[-1]) if found else self._by_time(overlay, near)

    def _near(self, start_ms: int, end_ms: int) -> list[int]:
        """Return the numbers of the words that overlap a time."""
        first = bisect_right(self._latest_ends, start_ms)
        after = bisect_left(self._earliest_starts, end_ms)
        within = ((n, self._words[n]) for n in range(first, after))
        return [n for n, word in within if word.end_ms > start_ms and word.start_ms < end_ms]

    def _by_time(self, overlay: Unplaced, near: Sequence[int]) -> Place | None:
        """Place what the new transcript says by itself, and long labels, at their time."""
        inside = [n for n in near if _is_inside(self._words[n], overlay)]
        if not inside or _overlap(self._words, inside, overlay) < LEAST_OVERLAP:
            return None
        says_so = overlay.kind == CORRECTION and _joined(self._plain, inside) == plain(overlay.text)
        is_long = overlay.kind == LABEL and overlay.end_ms - overlay.start_ms >= LONG_LABEL_MS
        return Place(inside[0], inside[-1]) if says_so or is_long else None


class _Alignment:
    """An overlay's words and neighbours beside the words near its time."""

    def __init__(
        self, overlay: Unplaced, words: Sequence[Word], plain_words: Sequence[str], near: Sequence[int]
    ) -> None:
        self._overlay, self._words, self._near = overlay, words, near
        before, heard, after = map(_split, (overlay.before, overlay.heard, overlay.after))
        old = [*before, *heard, *after]
        new = [plain_words[n] for n in near]
        self._first, self._last = len(before), len(before) + len(heard) - 1
        self._is_last, self._is_first = not after, not before
        blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        self._found = {block.a + step: near[block.b + step] for block in blocks for step in range(block.size)}

    def place(self) -> list[int]:
        """Return the numbers of the words that stand in the overlay's place; none if nothing proves it."""
        heard = [n for old, n in self._found.items() if self._first <= old <= self._last]
        left, right = self._found.get(self._first - 1), self._found.get(self._last + 1)
        found = sorted({*heard, *(n for n in self._near if self._is_between(n, left, right))})
        if not found or not self._is_in_time(found):
            return []
        has_neighbour = left is not None or right is not None
        is_there = has_neighbour and _overlap(self._words, found, self._overlay) >= LEAST_OVERLAP
        return found if heard or self._is_fenced(left, right) or is_there else []

    def _is_fenced(self, left: int | None, right: int | None) -> bool:
        """Whether the neighbours on both sides are found, or the one side that there is."""
        return (
            (left is not None or self._is_first)
            and (right is not None or self._is_last)
            and (left is not None or right is not None)
        )

    def _is_between(self, number: int, left: int | None, right: int | None) -> bool:
        """Whether a word stands between the neighbours; on a side without one, its time decides."""
        word, overlay = self._words[number], self._overlay
        middle = (word.start_ms + word.end_ms) / 2
        after_left = number > left if left is not None else middle >= overlay.start_ms - NEAR_MS
        before_right = number < right if right is not None else middle <= overlay.end_ms + NEAR_MS
        return after_left and before_right

    def _is_in_time(self, found: Sequence[int]) -> bool:
        start, end = self._words[found[0]].start_ms, self._words[found[-1]].end_ms
        overlay = self._overlay
        return (
            abs(start - overlay.start_ms) <= SAME_WORD_MS
            and abs(end - overlay.end_ms) <= SAME_WORD_MS
            and start < overlay.end_ms + NEAR_MS
            and end > overlay.start_ms - NEAR_MS
        )


def plain(text: str) -> str:
    """Return a text as it compares: folded, letters and digits alone."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def _said(words: Iterable[Word]) -> str:
    return " ".join(word.text.strip() for word in words)


def _split(text: str) -> list[str]:
    return [found for word in text.split() if (found := plain(word))]


def _joined(words: Sequence[str], numbers: Sequence[int]) -> str:
    return "".join(words[n] for n in numbers)


def _is_inside(word: Word, overlay: Unplaced) -> bool:
    middle = (word.start_ms + word.end_ms) / 2
    return overlay.start_ms - NEAR_MS <= middle <= overlay.end_ms + NEAR_MS


def _overlap(words: Sequence[Word], numbers: Sequence[int], overlay: Unplaced) -> float:
    """Return the time that both places share, as a part of the time of both together."""
    start, end = words[numbers[0]].start_ms, words[numbers[-1]].end_ms
    common = min(end, overlay.end_ms) - max(start, overlay.start_ms)
    together = max(end, overlay.end_ms) - min(start, overlay.start_ms)
    return common / together if together > 0 else 0.0
