"""Finds spans that are as loud as speech above the noise around them: numpy, 16 kHz, shape (frames,).

A speech detector misses parts of a hoarse or faint voice that the model understands well.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from transcribe_worker.speech.windows import SAMPLE_RATE_HZ, Span

FRAME = SAMPLE_RATE_HZ // 20
OVER_THE_FLOOR_DB = 8.0
#: The noise floor is the level below which a tenth of the surrounding frames are.
FLOOR_PERCENTILE = 10
AROUND = 15 * SAMPLE_RATE_HZ // FRAME
#: Subtracting the mean over this many samples removes what is below about 60 Hz, lower than a voice.
RUMBLE = SAMPLE_RATE_HZ // 100
#: Frames between two measurements of the floor.
LOOK = SAMPLE_RATE_HZ // FRAME
#: In frames: shorter spans are clicks; pauses within a word are bridged; a word's faint edges are added.
SHORTEST, BRIDGED, EDGE = 5, 3, 2
#: Below this there is nothing audible in 16 bits.
SILENCE_DBFS = -75.0


def loud_spans(samples: NDArray[np.float32], known: list[Span]) -> list[Span]:
    """Return the spans outside of `known` that are above the noise for 0.25 s or more."""
    levels = _levels_dbfs(without_rumble(samples))
    loud = levels > np.maximum(_floor(levels) + OVER_THE_FLOOR_DB, SILENCE_DBFS)
    for span in known:
        loud[span.start // FRAME : -(-span.end // FRAME)] = False
    edges = np.flatnonzero(np.diff(_bridged(loud).astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    return [
        Span(max(0, (first - EDGE) * FRAME), min(len(samples), (last + EDGE) * FRAME))
        for first, last in edges.tolist()
        if last - first >= SHORTEST
    ]


def union(spans: list[Span]) -> list[Span]:
    """Return spans in order, with overlapping ones joined."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def without_rumble(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Remove what is too low for a voice: fans and traffic vary, and are louder than a whisper."""
    if len(samples) < RUMBLE:
        return samples
    sums = np.cumsum(np.pad(samples, (RUMBLE // 2, RUMBLE - RUMBLE // 2)), dtype=np.float64)
    higher: NDArray[np.float32] = samples - ((sums[RUMBLE:] - sums[:-RUMBLE]) / RUMBLE).astype(np.float32)
    return higher


def _levels_dbfs(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    levels: NDArray[np.float64] = 10 * np.log10(np.mean(np.square(frames, dtype=np.float64), axis=1) + 1e-12)
    return levels


def _floor(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    looks = range(0, len(levels), LOOK)
    around = [levels[max(0, look - AROUND) : look + LOOK + AROUND] for look in looks]
    floors = [np.percentile(part, FLOOR_PERCENTILE) for part in around]
    return np.repeat(floors, LOOK)[: len(levels)]


def _bridged(loud: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Close gaps that are no longer than a word's own."""
    places = np.flatnonzero(loud)
    bridged = loud.copy()
    for before, after in pairwise(places):
        if after - before <= BRIDGED:
            bridged[before:after] = True
    return bridged
