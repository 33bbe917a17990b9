"""What is decoded at once: a window, or what is left of one, and what room the encoder is given for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transcribe_worker.recognition.tokens import Said
from transcribe_worker.speech.stretches import Window
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

HOP = 160
FRAMES_PER_SECOND = SAMPLE_RATE_HZ // HOP
#: What the encoder may be given; pieces of one length go together. Less than 6 s is written again and again.
LENGTHS = tuple(seconds * FRAMES_PER_SECOND for seconds in (6, 8, 12, 16, 20, 24, 28, 30))
WHOLE_FRAMES = LENGTHS[-1]
#: A rest begins in the midst of speech, and with less room behind it is apt to be written twice.
REST_PADDING_SECONDS = 8.0
#: A shorter rest is left alone: there is half a word in it at most.
SHORTEST_REST = SAMPLE_RATE_HZ

Segment = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Piece:
    """A window, or what is left to decode of one, from `offset` up to `end`, in samples of it."""

    window: Window
    offset: int
    end: int

    @classmethod
    def whole(cls, window: Window) -> Piece:
        return cls(window, 0, len(window.samples))

    @property
    def samples(self) -> NDArray[np.float32]:
        return self.window.samples[self.offset : self.end]

    def frames(self, padding_seconds: float) -> int:
        """What the encoder is given of it, with so much room behind the speech as fits into 30 s."""
        padding = REST_PADDING_SECONDS if self.offset else padding_seconds
        wanted = len(self.samples) / HOP + padding * FRAMES_PER_SECOND
        return next((length for length in LENGTHS if length >= wanted), WHOLE_FRAMES)

    def at(self, seconds: float) -> int:
        """A moment of the piece, in samples of its window."""
        return self.offset + round(seconds * SAMPLE_RATE_HZ)


def rest(piece: Piece, said: Sequence[Said]) -> list[Piece]:
    """What is left behind the last sentence, if it is worth it."""
    end = piece.at(said[-1].end_seconds) if said else piece.offset
    is_worth_it = piece.offset + SHORTEST_REST <= end <= piece.end - SHORTEST_REST
    return [replace(piece, offset=end)] if is_worth_it else []


def holes(piece: Piece, segments: Sequence[Segment], longest_pause_seconds: float) -> list[Piece]:
    """What the model has passed over between two sentences: longer than any pause that is left in a window.

    Both its own stamps and the placed words tend to close such a hole, seldom the same one. A hole as long
    as the piece would be decoded for ever.
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


def _by_stamps(before: Segment, after: Segment) -> tuple[float, float]:
    """Seconds between two segments as the model has stamped them, and where they begin."""
    return after["stamps"][0] - before["stamps"][1], before["stamps"][1]


def _by_words(before: Segment, after: Segment) -> tuple[float, float]:
    """Seconds between two segments by where their words were found, and where they begin."""
    return after["start"] - before["end"], before["end"]
