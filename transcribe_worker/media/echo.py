"""Removes the far side from the microphone's channel, where a loudspeaker lets the microphone hear it.

The path from loudspeaker to microphone is taken for a linear filter: the cross spectrum of both channels,
divided by the power spectrum of the far side, each averaged over parts of 2 s (the Wiener filter; Hänsler and
Schmidt, "Acoustic Echo and Noise Control", 2004, chapter 5). Own speech does not correlate with the far
side, so it averages out and is kept. The filter of a block comes from the minute around it, so it is as good
in the first second as later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy import fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from transcribe_worker.media.resampling import SAMPLE_RATE_HZ

Mono = NDArray[np.float32]
Pair = NDArray[np.float32]

#: Frames of a part, between the starts of two parts, and of a block, about 4 s.
PART, STEP, BLOCK = 2**15, 2**13, 2**16
#: Blocks on either side of a block that its filter is made of as well.
AROUND = 8
#: The filter holds echoes from 50 ms before the far side, as where a track starts late, to 350 ms after it.
EARLY, LATE = SAMPLE_RATE_HZ // 20, 7 * SAMPLE_RATE_HZ // 20
#: Frames of the pieces in which the filter is looked at: 5 ms.
PIECE = SAMPLE_RATE_HZ // 200
#: The share of the filter's energy in the strongest 20 ms: an echo has more than 0.4, no echo less than 0.1.
LEAST_SHARE, STRONGEST_PIECES = 0.2, 4
#: The quietest quarter of the filter is chance, and on average the mean of chance is this much more.
QUIET_SHARE, CHANCE = 0.25, 1.3
#: Frequencies that the far side has less of than this share of its mean are not amplified.
LEAST_POWER = 1e-3
#: Frames of 16 ms with less than a 16th of the echo's power (12 dB) hold its rest; they get 20 dB quieter.
FRAME, REST, QUIETER = SAMPLE_RATE_HZ * 16 // 1000, 1 / 16, np.float32(0.1)
#: Mean power of a spectrum below which a side is silent.
SILENCE = 1e-12
_WINDOW = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(PART) + 0.5) / PART)).astype(np.float32)


@dataclass(frozen=True)
class _Block:
    """Samples of both sides, `frames` of them real, and the spectra of the parts that end in them."""

    microphone: Mono
    far: Mono
    frames: int
    cross: NDArray[np.complex64]
    power: NDArray[np.float32]


def without_echo(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Yield the microphone without the far side, and the far side, as many frames as there are.

    `pairs` are blocks of both, shape (2, frames), 16 kHz. The last 70 s are in memory.
    """
    blocks: deque[_Block] = deque(maxlen=2 * AROUND + 1)
    place = 0  # of the block that is next, in `blocks`
    for block in _measured(pairs):
        is_full = len(blocks) == blocks.maxlen
        blocks.append(block)
        place -= is_full
        if len(blocks) > place + AROUND:
            yield _cleaned(blocks, place)
            place += 1
    for last in range(place, len(blocks)):
        yield _cleaned(blocks, last)


def _measured(pairs: Iterable[Pair]) -> Iterator[_Block]:
    """Cut both sides into blocks, the last one with silence after it."""
    before = np.zeros((2, PART - STEP), np.float32)
    waiting = np.zeros((2, 0), np.float32)
    for pair in pairs:
        waiting = np.concatenate([waiting, pair], axis=1)
        while waiting.shape[1] >= BLOCK:
            yield _spectra(before, waiting[:, :BLOCK], BLOCK)
            before, waiting = waiting[:, BLOCK - (PART - STEP) : BLOCK], waiting[:, BLOCK:]
    if frames := waiting.shape[1]:
        yield _spectra(before, np.pad(waiting, ((0, 0), (0, BLOCK - frames))), frames)


def _spectra(before: NDArray[np.float32], sides: NDArray[np.float32], frames: int) -> _Block:
    joined = np.concatenate([before, sides], axis=1)
    parts = fft.rfft(sliding_window_view(joined, PART, axis=1)[:, ::STEP] * _WINDOW).astype(np.complex64)
    cross = (np.conj(parts[1]) * parts[0]).sum(axis=0)
    power = np.square(np.abs(parts[1])).sum(axis=0)
    return _Block(sides[0], sides[1], frames, cross, power)


def _cleaned(blocks: deque[_Block], place: int) -> Pair:
    """Return both sides of a block, the microphone without its echo."""
    block = blocks[place]
    filter_ = _filter(list(blocks)[max(0, place - AROUND) : place + AROUND + 1])
    if filter_ is None:
        return np.stack([block.microphone, block.far])[:, : block.frames]
    nothing = np.zeros(BLOCK, np.float32)
    earlier = blocks[place - 1].far if place else nothing
    later = blocks[place + 1].far if place + 1 < len(blocks) else nothing
    far = np.concatenate([earlier[BLOCK - LATE :], block.far, later[:EARLY]])
    size = 2 * BLOCK
    echo = fft.irfft(fft.rfft(far, size) * fft.rfft(filter_, size), size)[LATE + EARLY :]
    cleaned = _without_rest(block.microphone, echo[:BLOCK].astype(np.float32))
    return np.stack([cleaned, block.far])[:, : block.frames]


def _without_rest(microphone: Mono, echo: Mono) -> Mono:
    """Take the echo away, and make frames quieter in which no more than its rest is left."""
    cleaned = microphone - echo
    left, taken = (np.square(it).reshape(-1, FRAME).sum(axis=1) for it in (cleaned, echo))
    gains = np.where(left < REST * taken, QUIETER, np.float32(1))
    middles = np.arange(len(gains)) * FRAME + FRAME // 2
    found: Mono = cleaned * np.interp(np.arange(BLOCK), middles, gains).astype(np.float32)
    return found


def _filter(blocks: list[_Block]) -> Mono | None:
    """Return the filter from the far side to its echo, from -EARLY to LATE; None where there is no echo."""
    power = np.sum([block.power for block in blocks], axis=0)
    if (mean := float(power.mean())) < SILENCE:
        return None
    whole = fft.irfft(np.sum([block.cross for block in blocks], axis=0) / (power + LEAST_POWER * mean))
    filter_ = np.concatenate([whole[-EARLY:], whole[:LATE]]).reshape(-1, PIECE)
    energy = np.square(filter_).sum(axis=1)
    strongest = np.convolve(energy, np.ones(STRONGEST_PIECES), "valid").max()
    if strongest <= LEAST_SHARE * energy.sum():
        return None
    chance = CHANCE * np.quantile(energy, QUIET_SHARE)
    kept = np.clip(1 - chance / np.maximum(energy, np.finfo(float).tiny), 0, 1)
    found: Mono = (filter_ * kept[:, np.newaxis]).ravel().astype(np.float32)
    return found
