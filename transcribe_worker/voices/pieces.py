"""Cuts speech into pieces of 1.6 s for the voice network, which overlap.

A piece is brought to -30 dBFS, so that a voice is the same near and far. Speech shorter than a piece takes
what is around it along; a recording shorter than a piece is repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transcribe_worker.speech.windows import Span
from transcribe_worker.voices.mels import HOP, SAMPLE_RATE_HZ, mel_frames

Floats = NDArray[np.float32]

#: In frames of 10 ms: a piece, the time from one to the next, and a tick, on which pieces begin.
PIECE, STEP, TICK = 160, 100, 10
#: -30 dBFS as power.
POWER = 1e-3
#: A piece in which fewer frames than this share are loud is mostly a pause. Loud is within 25 dB of the span.
LEAST_LOUD, LOUD_SHARE = 0.4, 10**-2.5
SAMPLES_PER_TICK = TICK * HOP
TICKS_PER_SECOND = SAMPLE_RATE_HZ // SAMPLES_PER_TICK


@dataclass(frozen=True)
class Cut:
    """Pieces of a window: mel frames of shape (pieces, 160, 40), and the tick each begins at in the window.

    `loud` is the share of loud frames in the first half of each piece, and in the whole.
    """

    mels: Floats
    ticks: list[int]
    loud: list[tuple[float, float]]


def cut(samples: Floats, speech: tuple[Span, ...]) -> Cut | None:
    """Cut the speech in a window of samples into pieces; None if there is none."""
    power = _powers(samples)
    if not speech or not power.any():
        return None
    frames = mel_frames(samples)[: len(power)]
    mels, ticks, loud = [], [], []
    for span in speech:
        first, last = span.start // HOP, max(span.start // HOP + 1, -(-span.end // HOP))
        limit = np.percentile(power[first:last], 90) * LOUD_SHARE
        for tick in _ticks(first, last, len(power)):
            part = slice(tick * TICK, tick * TICK + PIECE)
            shares = _shares(power[part] > limit)
            if last - first <= PIECE or shares[1] >= LEAST_LOUD:
                ticks.append(tick)
                loud.append(shares)
                mels.append(_levelled(frames[part], power[part]))
    return Cut(np.stack(mels), ticks, loud) if mels else None


def _powers(samples: Floats) -> Floats:
    """Return the mean power of each frame of 10 ms."""
    whole = len(samples) // HOP * HOP
    powers: Floats = np.square(samples[:whole]).reshape(-1, HOP).mean(axis=1)
    return powers


def _ticks(first: int, last: int, frames: int) -> Iterator[int]:
    """Yield where the pieces of speech begin that goes from one frame to another."""
    if last - first <= PIECE:
        middle = (first + last - PIECE) // 2
        yield max(0, min(middle, frames - PIECE)) // TICK
        return
    yield from range(first // TICK, (last - PIECE) // TICK, STEP // TICK)
    yield (last - PIECE) // TICK


def _shares(loud: NDArray[np.bool_]) -> tuple[float, float]:
    return float(loud[: PIECE // 2].mean()), float(loud.mean())


def _levelled(frames: Floats, power: Floats) -> Floats:
    """Bring mel frames to the level of the network, and to its length by repeating them."""
    levelled: Floats = frames * np.float32(POWER / max(float(power.mean()), 1e-12))
    return np.take(levelled, range(PIECE), axis=0, mode="wrap")
