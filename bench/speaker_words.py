"""Words with a speaker and a time: what was said, and what a way has written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from bench.comparing import compared
from bench.corpora import Samples
from tests.voices import FAINT, SAMPLE_RATE_HZ

FRAME = SAMPLE_RATE_HZ // 50
FRAME_MS = 20


@dataclass(frozen=True)
class Token:
    """A word to compare, after `compared`: 0 to n of them are a word of a text.

    `speaker` is a person in a reference, and a label in a transcript, with its `probability` if it has one.
    """

    text: str
    start_ms: int
    end_ms: int
    speaker: str
    probability: float | None = None

    def gap_ms(self, other: Token) -> int:
        """Return the time between two words, 0 if they overlap."""
        return max(0, self.start_ms - other.end_ms, other.start_ms - self.end_ms)

    def apart_ms(self, other: Token) -> float:
        """Return the time between the middles of two words."""
        return abs(self.start_ms + self.end_ms - other.start_ms - other.end_ms) / 2


@dataclass(frozen=True)
class Utterance:
    """What one person says without a break, with the times of its words."""

    speaker: str
    start_ms: int
    end_ms: int
    tokens: tuple[Token, ...] = field(repr=False)

    def overlap_ms(self, other: Utterance) -> int:
        """Return for how long both are said."""
        return max(0, min(self.end_ms, other.end_ms) - max(self.start_ms, other.start_ms))


def uttered(speaker: str, text: str, start_ms: int, samples: Samples) -> Utterance:
    """Return an utterance whose words have times in proportion to their letters, pauses left out."""
    times = _times(list(map(_letters, text.split())), _loud_frames(samples))
    end_ms = start_ms + round(len(samples) / SAMPLE_RATE_HZ * 1000)
    return Utterance(speaker, start_ms, end_ms, tuple(tokens(text.split(), times, speaker, start_ms)))


def tokens(
    words: Sequence[str], times: Iterable[tuple[int, int]], speaker: str, offset_ms: int = 0
) -> Iterator[Token]:
    """Yield the words to compare of a text's words, whose times are milliseconds after `offset_ms`."""
    for word, (start, end) in zip(words, times, strict=True):
        for plain in compared(word):
            yield Token(plain, offset_ms + start, offset_ms + end, speaker)


def spread(words: Sequence[str], spans_ms: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return times of words that are said in these spans in turn, in proportion to their letters."""
    frames = [
        frame
        for start, end in spans_ms
        for frame in range(start // FRAME_MS, max(start, end - 1) // FRAME_MS + 1)
    ]
    return _times(list(map(_letters, words)), np.array(frames))


def _times(letters: Sequence[int], frames: np.ndarray) -> list[tuple[int, int]]:
    """Share frames of 20 ms among words; return the start and the end of each in milliseconds."""
    edges = np.rint(np.cumsum([0, *letters]) / max(1, sum(letters)) * len(frames)).astype(int)
    last = len(frames) - 1
    return [
        (
            int(frames[min(start, last)]) * FRAME_MS,
            (int(frames[min(max(start, end - 1), last)]) + 1) * FRAME_MS,
        )
        for start, end in pairwise(edges.tolist())
    ]


def _letters(word: str) -> int:
    return sum(map(str.isalnum, word)) or 1


def _loud_frames(samples: Samples) -> np.ndarray:
    """Return the numbers of the frames that are no pause."""
    whole = np.pad(samples, (0, -len(samples) % FRAME)).reshape(-1, FRAME)
    peaks = np.abs(whole).max(axis=1)
    return np.flatnonzero(peaks > FAINT * peaks.max())
