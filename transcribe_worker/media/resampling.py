"""Resamples mono sound of any rate to 16 kHz."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np
import soxr

from transcribe_worker.media.downmix import Mono

SAMPLE_RATE_HZ = 16_000


def resampled(pieces: Iterable[tuple[Mono, int]]) -> Iterator[Mono]:
    """Resample pieces of mono sound to 16 kHz; the rate may change from piece to piece."""
    for rate_hz, run in groupby(pieces, key=itemgetter(1)):
        samples = (piece for piece, _ in run)
        blocks = samples if rate_hz == SAMPLE_RATE_HZ else _from_rate(samples, rate_hz)
        yield from (block for block in blocks if block.size)


def _from_rate(pieces: Iterable[Mono], rate_hz: int) -> Iterator[Mono]:
    stream = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1)
    for piece in pieces:
        yield stream.resample_chunk(piece, False).clip(-1, 1)
    yield stream.resample_chunk(np.empty(0, np.float32), True).clip(-1, 1)
