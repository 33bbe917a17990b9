"""Cuts recordings of one voice at their pauses into pieces with the words that are said in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.comparing import compared
from bench.corpora import Samples
from bench.mistakes import equal_words
from bench.real_speech import Clip
from bench.speaker_words import FRAME, FRAME_MS
from shared.words import Word
from tests.voices import SAMPLE_RATE_HZ

PAUSE_SECONDS = 0.3
#: Of what is said, the loudness of a pause: this share of that of loud frames.
PAUSE_SHARE = 0.08
SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 8.0


@dataclass(frozen=True, eq=False)
class Piece:
    """Sound of one speaker, (frames,), and its words."""

    speaker: str
    samples: Samples
    text: str

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


def pieces(clip: Clip, heard: Sequence[Word]) -> list[Piece]:
    """Return the pieces of a recording between its pauses.

    `heard` is a transcript of it, whose times the words of the recording get. Pieces without words, and those
    that are too short or too long, are left out.
    """
    words = clip.words.split()
    times = word_times_ms(words, heard)
    found = []
    for start, end in _between_pauses(clip.samples):
        inside = [
            word for word, at in zip(words, times, strict=True) if start <= at * SAMPLE_RATE_HZ / 1000 < end
        ]
        piece = Piece(clip.name, clip.samples[start:end], " ".join(inside))
        if inside and SHORTEST_SECONDS <= piece.seconds <= LONGEST_SECONDS:
            found.append(piece)
    return found


def word_times_ms(words: Sequence[str], heard: Sequence[Word]) -> list[float]:
    """Return the middle of each word: of its equal in a transcript, or between those of its neighbours."""
    plain = [(number, token) for number, word in enumerate(words) for token in compared(word)]
    other = [((it.start_ms + it.end_ms) / 2, token) for it in heard for token in compared(it.text)]
    equal = equal_words([token for _, token in plain], [token for _, token in other])
    known = {plain[at][0]: other[of][0] for of, at in equal.items()}
    if not known:
        raise ValueError("The transcript has none of the words.")
    return [
        float(time)
        for time in np.interp(range(len(words)), sorted(known), [known[it] for it in sorted(known)])
    ]


def _between_pauses(samples: Samples) -> Iterator[tuple[int, int]]:
    """Yield start and end of what is between two pauses, in samples; a cut is in the middle of a pause."""
    whole = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    level = np.sqrt(np.mean(np.square(whole), axis=1))
    loud = np.flatnonzero(level > PAUSE_SHARE * np.quantile(level, 0.95))
    gaps = np.flatnonzero(np.diff(loud) * FRAME_MS >= PAUSE_SECONDS * 1000)
    starts, ends = [loud[0], *loud[gaps + 1]], [*loud[gaps], loud[-1]]
    margin = round(PAUSE_SECONDS / 2 * SAMPLE_RATE_HZ)
    for start, end in zip(starts, ends, strict=True):
        yield max(0, int(start) * FRAME - margin), min(len(samples), (int(end) + 1) * FRAME + margin)
