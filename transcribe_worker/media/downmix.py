"""Mixes several channels to one, so that nothing cancels out.

Ordinary recordings are mixed by the mean of all channels. The mean is silent where one channel is about the
inverse of another, as after a cable with two swapped wires. From there on the power of the channels is
averaged at each frequency, with the phase of the channel that was loudest then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy import fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from transcribe_worker.media.flags import CHANNELS_OPPOSED, Flags
from transcribe_worker.media.samples import Channels, Chunk

Mono = NDArray[np.float32]

#: Channels are compared in parts of about this length.
COMPARED_SECONDS = 0.25
#: Channels cancel if their mean has less than this share of its power from the loudest channel alone: 3 dB.
CANCELLED_SHARE = 0.5
#: Mean squares below this are noise: -80 dBFS.
QUIETEST_POWER = 1e-8
WINDOW_SECONDS = 0.032
#: The lead channel gives the phase of a frequency unless it is this much fainter than the loudest: 10 dB.
FAINT_SHARE = 0.3


def downmixed(chunks: Iterable[Chunk], flags: Flags) -> Iterator[tuple[Mono, int]]:
    """Mix the channels of each chunk; yield samples of shape (frames,) and their rate in Hz."""
    mixer: PowerMixer | None = None
    shape = (0, 0)
    for samples, rate_hz in chunks:
        if mixer and shape != (len(samples), rate_hz):
            yield mixer.rest(), shape[1]
            mixer = None
        shape = (len(samples), rate_hz)
        if mixer is None and cancels(samples, rate_hz):
            flags.note(CHANNELS_OPPOSED)
            mixer = PowerMixer(samples, rate_hz)
        yield (mixer.mixed(samples) if mixer else mean(samples)), rate_hz
    if mixer:
        yield mixer.rest(), shape[1]


def mean(samples: Channels) -> Mono:
    """Return the mean of all channels."""
    mixed: Mono = samples.mean(axis=0, dtype=np.float32)
    return mixed


def cancels(samples: Channels, rate_hz: int) -> bool:
    """Whether the channels cancel in some part of a chunk."""
    channels, frames = samples.shape
    if channels == 1:
        return False
    parts = np.array_split(samples, max(1, round(frames / (COMPARED_SECONDS * rate_hz))), axis=1)
    return any(_cancels(part) for part in parts if part.size)


def _cancels(samples: Channels) -> bool:
    frames = samples.shape[1]
    loudest = float(np.einsum("cf,cf->c", samples, samples).max()) / frames
    together = samples.sum(axis=0)
    share = float(together @ together) / frames
    return bool(loudest > QUIETEST_POWER and share < CANCELLED_SHARE * loudest)


class PowerMixer:
    """Averages the power of channels in windows that overlap by half (square root of the Hann window)."""

    def __init__(self, first: Channels, rate_hz: int) -> None:
        self._size = max(16, 2 * round(rate_hz * WINDOW_SECONDS / 2))
        self._step = self._size // 2
        self._window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self._size) / self._size))
        self._lead = int(np.square(first).sum(axis=1).argmax())
        self._waiting = np.zeros((len(first), self._step), np.float32)
        self._overlap = np.zeros(self._step)
        self._ahead = self._step  # frames of silence that precede the first
        self._left = 0

    def mixed(self, samples: Channels) -> Mono:
        """Take samples; return the mixed samples that are final."""
        self._left += samples.shape[1]
        waiting = np.concatenate([self._waiting, samples], axis=1)
        if waiting.shape[1] < self._size:
            self._waiting = waiting
            return np.empty(0, np.float32)
        windows = sliding_window_view(waiting, self._size, axis=1)[:, :: self._step]
        self._waiting = waiting[:, windows.shape[1] * self._step :]
        return self._given(self._joined(self._combined(windows * self._window)))

    def rest(self) -> Mono:
        """Return the remaining samples, once, at the end."""
        left = self._left
        silence = np.zeros((len(self._waiting), self._size + self._step), np.float32)
        return self.mixed(silence)[:left]

    def _given(self, mixed: NDArray[np.float64]) -> Mono:
        given = mixed[self._ahead :].clip(-1, 1).astype(np.float32)
        self._ahead = max(0, self._ahead - len(mixed))
        self._left -= len(given)
        return given

    def _combined(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Combine the windows of all channels: shape (channels, windows, size) to (windows, size)."""
        spectra = fft.rfft(windows)
        sizes = np.abs(spectra)
        loudest = np.take_along_axis(spectra, sizes.argmax(axis=0)[np.newaxis], axis=0)[0]
        lead = spectra[self._lead]
        phases = np.where(np.abs(lead) >= FAINT_SHARE * np.abs(loudest), lead, loudest)
        power = np.sqrt(np.square(sizes).mean(axis=0))
        combined = fft.irfft(power * phases / np.maximum(np.abs(phases), 1e-30), self._size)
        windowed: NDArray[np.float64] = combined * self._window
        return windowed

    def _joined(self, windows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up windows that overlap by half."""
        fronts, backs = windows[:, : self._step], windows[:, self._step :]
        before = np.concatenate([self._overlap[np.newaxis], backs[:-1]])
        self._overlap = backs[-1]
        joined: NDArray[np.float64] = (fronts + before).ravel()
        return joined
