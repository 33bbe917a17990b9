"""Resamples sound of any rate to 16 kHz."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np
import soxr
from numpy.typing import NDArray

from transcribe_worker.media.downmix import Mono, mean
from transcribe_worker.media.samples import Channels

SAMPLE_RATE_HZ = 16_000


def resampled(pieces: Iterable[tuple[Mono, int]]) -> Iterator[Mono]:
    """Resample pieces of mono sound to 16 kHz; the rate may change from piece to piece."""
    for rate_hz, run in groupby(pieces, key=itemgetter(1)):
        samples = (piece for piece, _ in run)
        blocks = samples if rate_hz == SAMPLE_RATE_HZ else _from_rate(samples, rate_hz)
        yield from (block for block in blocks if block.size)


def resampled_pairs(pieces: Iterable[tuple[Channels, int]]) -> Iterator[Channels]:
    """Resample pieces of any number of channels to two channels at 16 kHz, shape (2, frames).

    Where a piece has not two channels, both get the mean of all.
    """
    for rate_hz, run in groupby(pieces, key=itemgetter(1)):
        frames = (np.ascontiguousarray(_pair(samples).T) for samples, _ in run)
        blocks = frames if rate_hz == SAMPLE_RATE_HZ else _from_rate(frames, rate_hz, 2)
        yield from (np.ascontiguousarray(block.T) for block in blocks if block.size)


def _pair(samples: Channels) -> Channels:
    return samples if len(samples) == 2 else np.stack([mean(samples)] * 2)


def _from_rate(
    pieces: Iterable[NDArray[np.float32]], rate_hz: int, channels: int = 1
) -> Iterator[NDArray[np.float32]]:
    """Resample pieces of shape (frames,), or (frames, channels) if there are several."""
    stream = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, channels)
    for piece in pieces:
        yield stream.resample_chunk(piece, False).clip(-1, 1)
    nothing = np.empty(0 if channels == 1 else (0, channels), np.float32)
    yield stream.resample_chunk(nothing, True).clip(-1, 1)
