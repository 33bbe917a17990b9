"""Converts a decoder's samples to float32 of shape (channels, frames), with full scale at 1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from transcribe_worker.media.flags import DAMAGED_AUDIO, SCALED_DOWN, Flags

Channels = NDArray[np.float32]

# FFmpeg's sample format: numpy's type, the value of silence, full scale.
SAMPLE_FORMATS = {
    "u8": (np.uint8, 128, 128),
    "s16": (np.int16, 0, 2**15),
    "s32": (np.int32, 0, 2**31),
    "s64": (np.int64, 0, 2**63),
    "flt": (np.float32, 0, 1),
    "dbl": (np.float64, 0, 1),
}
LARGEST_FLOAT = float(np.finfo(np.float32).max)
CHUNK_SECONDS = 0.5
#: A level is measured over this many chunks after the first that is too loud: 20 s.
LEVEL_CHUNKS = 40
LEVEL_BYTES = 16_000_000
#: If at most this share of the samples exceeds full scale, they are clicks and are clipped.
CLICKS_SHARE = 0.001
#: The same for lossy formats, whose decoders produce bursts where packets are missing.
LOSSY_CLICKS_SHARE = 0.01
#: Lossy decoders overshoot full scale in loud passages, by less than this factor.
LOSSY_OVERSHOOT = 2.0
#: Sound spans less than 100 dB in half a second; floats of random bits span 1,500 dB.
WIDEST_SPREAD = 1e5


class Chunk(NamedTuple):
    """Half a second of sound or less, shape (channels, frames)."""

    samples: Channels
    rate_hz: int


def read_samples(frame: AudioFrame) -> Channels:
    """Return the samples of a decoded frame; floats may exceed 1, or be NaN or infinite."""
    channels = frame.layout.nb_channels
    dtype, zero, full_scale = SAMPLE_FORMATS[frame.format.name.removesuffix("p")]
    # PyAV 18 counts a ninth plane where there are eight; reading it would go out of bounds.
    planes = frame.planes[: channels if frame.format.is_planar else 1]
    frames = np.stack(
        [np.frombuffer(memoryview(plane), dtype, frame.samples * channels // len(planes)) for plane in planes]
    )
    samples = frames if frame.format.is_planar else frames.reshape(-1, channels).T
    if samples.dtype.kind == "f":
        if dtype is np.float64:  # NaN and infinity are kept
            samples = np.where(np.isfinite(samples), samples.clip(-LARGEST_FLOAT, LARGEST_FLOAT), samples)
        return samples.astype(np.float32, order="C", copy=False)
    return scaled_to_one(samples, zero, full_scale)


def scaled_to_one(samples: NDArray[Any], zero: int, full_scale: int) -> Channels:
    """Return whole numbers as float32 in [-1, 1]; `zero` and `full_scale` are those of SAMPLE_FORMATS."""
    scaled: Channels = (samples.astype(np.float32, order="C") - np.float32(zero)) / np.float32(full_scale)
    return scaled


def chunks(pieces: Iterable[tuple[Channels, int]]) -> Iterator[Chunk]:
    """Join pieces of sound with their sample rates into chunks; a change of rate or channels ends a chunk."""
    waiting: list[Channels] = []
    frames, shape = 0, (0, 0)
    for samples, rate_hz in pieces:
        if waiting and shape != (len(samples), rate_hz):
            yield Chunk(np.concatenate(waiting, axis=1), shape[1])
            waiting, frames = [], 0
        shape = (len(samples), rate_hz)
        waiting.append(samples)
        frames += samples.shape[1]
        if frames >= round(rate_hz * CHUNK_SECONDS):
            yield Chunk(np.concatenate(waiting, axis=1), rate_hz)
            waiting, frames = [], 0
    if waiting:
        yield Chunk(np.concatenate(waiting, axis=1), shape[1])


def levelled(loud: Iterator[Chunk], flags: Flags, overshoot: float = 1.0) -> Iterator[Chunk]:
    """Scale sound that exceeds full scale down to it; NaN and infinity become silence.

    Sound above `overshoot`, apart from single clicks, sets a level that applies to all later chunks. Floats
    of random bits, as in a damaged file, set no level and are clipped.
    """
    full_scale = 1.0
    for chunk in loud:
        if full_scale == 1.0 and _peak(chunk.samples) <= 1:
            yield chunk
            continue
        held = [chunk]
        level = _level(chunk.samples, overshoot, flags)
        if level > full_scale == 1.0:
            held += islice(loud, min(LEVEL_CHUNKS, LEVEL_BYTES // (chunk.samples.nbytes or 1)))
            level = max(_level(each.samples, overshoot, flags) for each in held)
        if level > full_scale:
            flags.note(SCALED_DOWN)
            full_scale = level
        for each in held:
            yield each._replace(samples=_scaled(each.samples, full_scale))


def _level(samples: Channels, overshoot: float, flags: Flags) -> float:
    """Return the full scale of a chunk: 1 unless its sound exceeds `overshoot`."""
    if _peak(samples) <= overshoot:
        return 1.0
    sizes = np.abs(np.nan_to_num(samples, nan=0, posinf=0, neginf=0)).ravel()
    clicks = CLICKS_SHARE if overshoot == 1.0 else LOSSY_CLICKS_SHARE
    places = [round((len(sizes) - 1) * share) for share in (0.9, 1 - clicks)]
    usual, loud = np.partition(sizes, places)[places].astype(np.float64)
    largest = float(sizes.max())
    if loud <= overshoot or not usual:
        return 1.0
    if loud > WIDEST_SPREAD * usual:
        flags.note(DAMAGED_AUDIO)
        return 1.0
    return min(largest, 10 * float(loud))


def _peak(samples: Channels) -> float:
    """Return the largest absolute sample; NaN if one is NaN."""
    return max(float(samples.max()), -float(samples.min())) if samples.size else 0.0


def _scaled(samples: Channels, full_scale: float) -> Channels:
    if full_scale == 1.0 and _peak(samples) <= 1:
        return samples
    finite = np.nan_to_num(samples, nan=0, posinf=0, neginf=0)
    return (finite / np.float32(full_scale)).clip(-1, 1)
