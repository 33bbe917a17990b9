"""Measures the aliases of resampling: `python -m bench.resampling`.

A sweep above 8 kHz, which must be gone at 16 kHz, goes through the timeline's resamplers, with the
rate steered all the while; for comparison through soxr's variable-rate filter alone, and through linear
interpolation.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import soxr
from numpy.typing import NDArray

from capture_worker.samples import RATE_HZ
from capture_worker.track import Track

DEVICE_HZ = 48_000
CHUNK_FRAMES = 960
SWEEP_HZ = (8_001.0, 23_900.0)
SWEEP_SECONDS = 20.0
PASS_HZ = (100.0, 1_000.0, 3_400.0, 7_000.0)
#: Filters ring after a start and before an end.
EDGE_FRAMES = RATE_HZ // 10
Samples = NDArray[np.float32]


def steered(samples: Samples) -> Samples:
    """Resample as the timeline does: by the drift, then at a fixed rate."""
    track = Track(0.0)
    for end in range(CHUNK_FRAMES, len(samples) + 1, CHUNK_FRAMES):
        track.add(end / DEVICE_HZ, samples[end - CHUNK_FRAMES : end], DEVICE_HZ)
    track.end_run()
    return track.take(track.counts.placed_frames)


def variable(samples: Samples) -> Samples:
    """Resample with soxr's variable-rate filter alone, from the device's rate to 16 kHz."""
    stream = soxr.ResampleStream(DEVICE_HZ * 1.001, RATE_HZ, 1, vr=True)
    stream.set_io_ratio(DEVICE_HZ, RATE_HZ)
    return in_chunks(lambda chunk, last: stream.resample_chunk(chunk, last), samples)


def linear(samples: Samples) -> Samples:
    """Resample by linear interpolation."""
    at = np.arange(0, len(samples) - 1, DEVICE_HZ / RATE_HZ)
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)


def in_chunks(resample: Callable[[Samples, bool], Samples], samples: Samples) -> Samples:
    """Feed a resampler in blocks, as a device does."""
    starts = range(0, len(samples), CHUNK_FRAMES)
    return np.concatenate([resample(samples[s : s + CHUNK_FRAMES], s == starts[-1]) for s in starts])


def sweep() -> Samples:
    """Return a tone that rises from just above 8 kHz to the end of the device's band."""
    low, high = SWEEP_HZ
    times = np.arange(round(SWEEP_SECONDS * DEVICE_HZ)) / DEVICE_HZ
    phase = 2 * np.pi * (low * times + (high - low) / SWEEP_SECONDS * times**2 / 2)
    return np.sin(phase).astype(np.float32)


def tone(hertz: float) -> Samples:
    """Return 2 s of a tone."""
    return np.sin(2 * np.pi * hertz * np.arange(2 * DEVICE_HZ) / DEVICE_HZ).astype(np.float32)


def level_db(samples: Samples) -> float:
    """Return the level of the loudest 0.1 s relative to a tone at full scale."""
    inner = samples[EDGE_FRAMES:-EDGE_FRAMES].astype(np.float64)
    blocks = inner[: len(inner) // EDGE_FRAMES * EDGE_FRAMES].reshape(-1, EDGE_FRAMES)
    power = np.square(blocks).mean(axis=1).max()
    return 10 * float(np.log10(2 * power + 1e-30))


WAYS = {"timeline": steered, "soxr, variable rate alone": variable, "linear": linear}


def main() -> None:
    low, high = SWEEP_HZ
    print(f"| resampler | loudest alias, {low:.0f}-{high:.0f} Hz | tones, dB | times real time |")
    print("|---|---|---|---|")
    for name, way in WAYS.items():
        swept = sweep()
        started = time.thread_time()
        left = way(swept)
        speed = SWEEP_SECONDS / (time.thread_time() - started)
        levels = {hertz: level_db(way(tone(hertz))) for hertz in PASS_HZ}
        tones = ", ".join(f"{hertz:.0f} Hz {level:+.2f}" for hertz, level in levels.items())
        print(f"| {name} | {level_db(left):.0f} dB | {tones} | {speed:,.0f} |")


if __name__ == "__main__":
    main()
