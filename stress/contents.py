"""The dropped files: calls of two voices, each under many numbers, and files that are no calls."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tests.voices import LONG_CALL, SAMPLE_RATE_HZ, SHORT_CALL, speak

TURNS = (*SHORT_CALL, *LONG_CALL[:12])
#: Turns in a call: a short one is one stretch, a long one several, each with its own commit.
SHORT_TURNS, LONG_TURNS = (1, 2), (9, 12)
SHORT_CALLS, LONG_CALLS = 3, 2
PAUSE_SECONDS = (0.3, 5.0)


@dataclass(frozen=True)
class Speech:
    """A call, float32 of shape (frames,); its transcript is the same for every number of its file."""

    name: str
    samples: NDArray[np.float32]
    is_long: bool

    def wav(self, number: int) -> bytes:
        """Return a WAV of the call that differs from other numbers' by a chunk after the audio."""
        return _wav(self._pcm, number)

    @cached_property
    def _pcm(self) -> bytes:
        return np.round(np.clip(self.samples, -1, 1) * 32767).astype("<i2").tobytes()


def speeches(chance: random.Random) -> list[Speech]:
    """Speak the calls of a campaign, each with its own turns and pauses."""
    lengths = [False] * SHORT_CALLS + [True] * LONG_CALLS
    return [_speech(f"speech {number}", is_long, chance) for number, is_long in enumerate(lengths)]


def _speech(name: str, is_long: bool, chance: random.Random) -> Speech:
    turns = chance.sample(TURNS, chance.randint(*(LONG_TURNS if is_long else SHORT_TURNS)))
    call = speak(turns, pause_seconds=PAUSE_SECONDS, seed=chance.randrange(2**32))
    return Speech(name, call.samples, is_long)


def _chunk(name: bytes, payload: bytes) -> bytes:
    return struct.pack("<4sI", name, len(payload)) + payload


def _form(*chunks: bytes) -> bytes:
    return _chunk(b"RIFF", b"WAVE" + b"".join(chunks))


def _wav(pcm: bytes, number: int) -> bytes:
    return _form(_FMT, _chunk(b"data", pcm), _mark(number))


def _mark(number: int) -> bytes:
    return _chunk(b"JUNK", struct.pack("<Q", number))


_FMT = _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, SAMPLE_RATE_HZ, 2 * SAMPLE_RATE_HZ, 2, 16))

#: Files that are no recordings, by their error.
CORRUPT: dict[str, Callable[[int], bytes]] = {
    "no_audio": lambda number: _wav(b"", number),
    "damaged_header": lambda number: _form(_mark(number)),
    "not_a_recording": lambda number: f"This is text, and number {number}.\n".encode() * 50,
}
