"""Mixes several audio tracks to one, each at its own times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from transcribe_worker.media.downmix import Mono, downmixed
from transcribe_worker.media.flags import TRACKS_MIXED, Flags
from transcribe_worker.media.resampling import SAMPLE_RATE_HZ
from transcribe_worker.media.samples import Chunk

BLOCK_FRAMES = SAMPLE_RATE_HZ // 2
#: A track whose samples never exceed this has no sound: -80 dBFS.
QUIETEST_SOUND = 1e-4


def mixed(tracks: Sequence[Iterator[Mono]], flags: Flags) -> Iterator[Mono]:
    """Mix 16 kHz tracks like channels; a track is included from its first sound on.

    A track that ends early is silent after its end.
    """
    if len(tracks) == 1:
        yield from tracks[0]
        return
    blocks = (Chunk(samples, SAMPLE_RATE_HZ) for samples in _sounding(_aligned(tracks), flags))
    yield from (block for block, _ in downmixed(blocks, flags) if block.size)


def _sounding(blocks: Iterator[NDArray[np.float32]], flags: Flags) -> Iterator[NDArray[np.float32]]:
    """Leave out tracks that have had no sound so far."""
    has_sound: NDArray[np.bool_] | None = None
    for block in blocks:
        loud = np.abs(block).max(axis=1) > QUIETEST_SOUND
        has_sound = loud if has_sound is None else has_sound | loud
        if has_sound.sum() > 1:
            flags.note(TRACKS_MIXED)
        yield block[has_sound] if has_sound.any() else block[:1]


def _aligned(tracks: Sequence[Iterator[Mono]]) -> Iterator[NDArray[np.float32]]:
    """Yield blocks of all tracks, shape (tracks, frames)."""
    readers = [_Reader(track) for track in tracks]
    while frames := max(reader.fill(BLOCK_FRAMES) for reader in readers):
        yield np.stack([reader.take(frames) for reader in readers])


class _Reader:
    """Reads a stream of blocks in pieces of any length."""

    def __init__(self, blocks: Iterator[Mono]) -> None:
        self._blocks = blocks
        self._waiting = np.empty(0, np.float32)

    def fill(self, frames: int) -> int:
        """Buffer up to this many frames; return how many there are."""
        while len(self._waiting) < frames and (block := next(self._blocks, None)) is not None:
            self._waiting = np.concatenate([self._waiting, block])
        return min(frames, len(self._waiting))

    def take(self, frames: int) -> Mono:
        """Return this many frames, padded with silence."""
        taken, self._waiting = self._waiting[:frames], self._waiting[frames:]
        return np.pad(taken, (0, frames - len(taken)))
