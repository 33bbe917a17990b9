"""The pieces that are decoded: a window, or the rest of one, and the length the encoder gets it at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transcribe_worker.recognition.tokens import Said
from transcribe_worker.speech.stretches import Window
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ, Span, is_speech

HOP = 160
FRAMES_PER_SECOND = SAMPLE_RATE_HZ // HOP
#: Lengths the encoder gets, in frames; pieces of one length share a batch. The model was trained on 30 s: at
#: 6 s it wrote loops of a few spoken numbers, and at 4 s of whole sentences.
LENGTHS = tuple(seconds * FRAMES_PER_SECOND for seconds in (12, 16, 20, 24, 28, 30))
WHOLE_FRAMES = LENGTHS[-1]
#: A rest starts within speech; with less padding after it the model often writes it twice.
REST_PADDING_SECONDS = 8.0
#: A shorter rest is dropped: it has half a word at most.
SHORTEST_REST = SAMPLE_RATE_HZ

#: A segment as the decoder drafts it: `stamps` by the model, `start` and `end` by its words, in seconds.
Draft = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Piece:
    """A window, or a part of one, from `offset` up to `end`, in samples of the window."""

    window: Window
    offset: int
    end: int

    @classmethod
    def whole(cls, window: Window) -> Piece:
        return cls(window, 0, len(window.samples))

    @property
    def samples(self) -> NDArray[np.float32]:
        return self.window.samples[self.offset : self.end]

    @property
    def has_speech(self) -> bool:
        """Whether speech was detected in it, not only elsewhere in its window."""
        return is_speech(Span(self.offset, self.end), self.window.speech)

    def frames(self, padding_seconds: float) -> int:
        """Return the length for the encoder: the piece and its padding, 30 s at most."""
        padding = REST_PADDING_SECONDS if self.offset else padding_seconds
        wanted = len(self.samples) / HOP + padding * FRAMES_PER_SECOND
        return next((length for length in LENGTHS if length >= wanted), WHOLE_FRAMES)

    def at(self, seconds: float) -> int:
        """Return the position of a time in the piece, in samples of its window."""
        return self.offset + round(seconds * SAMPLE_RATE_HZ)


def rest(piece: Piece, said: Sequence[Said]) -> list[Piece]:
    """Return the part after the last sentence, unless it is too short."""
    end = piece.at(said[-1].end_seconds) if said else piece.offset
    is_worth_it = piece.offset + SHORTEST_REST <= end <= piece.end - SHORTEST_REST
    return [replace(piece, offset=end)] if is_worth_it else []


def holes(piece: Piece, segments: Sequence[Draft], longest_pause_seconds: float) -> list[Piece]:
    """Return the parts that the model skipped between two sentences: longer than any pause in a window.

    The model's stamps often close such a hole, and so do the placed words, seldom both the same one. A hole
    as long as the piece would be decoded again without end.
    """
    pauses = (
        max(pause(before, after) for pause in (_by_stamps, _by_words)) for before, after in pairwise(segments)
    )
    found = [
        replace(piece, offset=piece.at(start), end=piece.at(start + seconds))
        for seconds, start in pauses
        if seconds > longest_pause_seconds
    ]
    return [hole for hole in found if hole.end - hole.offset < piece.end - piece.offset]


def _by_stamps(before: Draft, after: Draft) -> tuple[float, float]:
    """Return the seconds between two segments by the model's stamps, and where they start."""
    return after["stamps"][0] - before["stamps"][1], before["stamps"][1]


def _by_words(before: Draft, after: Draft) -> tuple[float, float]:
    """Return the seconds between two segments by their placed words, and where they start."""
    return after["start"] - before["end"], before["end"]
