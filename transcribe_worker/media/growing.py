"""Streams a recording that the recorder still writes: the samples that `open_recording` gives afterwards.

The recorder (`capture_worker/wav.py`) appends 16-bit audio at 16 kHz after a header of 80 bytes, and rewrites
the header after each sync. What follows the header's length may be cut off at the end, as on a full disk. So
nothing after it is read, and the header is read again for every block.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from shared.errors import DamagedHeader, EmptyRecording, NoAudio, NotARecording
from shared.files import NotRegular, open_regular
from shared.recording_wav import HEADER_BYTES, SAMPLE_BYTES, Header
from transcribe_worker.media.downmix import Mono, downmixed
from transcribe_worker.media.flags import Flags
from transcribe_worker.media.limits import RecordingLimits
from transcribe_worker.media.recording import ORDINARY, WAV_PACKET_BYTES, some
from transcribe_worker.media.resampling import SAMPLE_RATE_HZ, resampled, resampled_pairs
from transcribe_worker.media.samples import SAMPLE_FORMATS, Channels, Chunk, scaled_to_one

#: Called while there is nothing to read; returns False when the recording has ended.
Wait = Callable[[], bool]

BLOCK_FRAMES = SAMPLE_RATE_HZ // 2


class GrowingFile:
    """A recording that grows, as bytes. Several threads may use it."""

    def __init__(self, name: str, file: BinaryIO, wait: Wait) -> None:
        """Wait for the header. Raises what `Header.read` raises."""
        self._name, self._file, self._reading = name, file, threading.Lock()
        has_ended = False
        while len(raw := self._read(0, HEADER_BYTES)) < HEADER_BYTES and not has_ended:
            has_ended = not wait()
        header = Header.read(raw, name)
        self.channels = header.channels
        self._promised_bytes = header.data_bytes or 0

    @property
    def frame_bytes(self) -> int:
        """The bytes of a sample of each channel."""
        return self.channels * SAMPLE_BYTES

    @property
    def frames_there(self) -> int:
        """The frames that the header promises now, as far as the file has them."""
        try:
            header = Header.read(self._read(0, HEADER_BYTES), self._name)
        except (DamagedHeader, EmptyRecording, NotARecording):
            header = Header(self.channels, None)
        if header.data_bytes is not None and header.channels == self.channels:
            self._promised_bytes = header.data_bytes
        there = os.fstat(self._file.fileno()).st_size - HEADER_BYTES
        return max(0, min(self._promised_bytes, there)) // self.frame_bytes

    def samples(self, first: int, frames: int) -> Channels:
        """Return up to `frames` that are promised, from frame `first` on: shape (channels, frames)."""
        frames = max(0, min(frames, self.frames_there - first))
        raw = self._read(HEADER_BYTES + first * self.frame_bytes, frames * self.frame_bytes)
        whole = raw[: len(raw) // self.frame_bytes * self.frame_bytes]
        found = np.frombuffer(whole, "<i2").reshape(-1, self.channels).T
        _, zero, full_scale = SAMPLE_FORMATS["s16"]
        return scaled_to_one(found, zero, full_scale)

    def close(self) -> None:
        self._file.close()

    def _read(self, at: int, count: int) -> bytes:
        """Read without a buffer, which would go on showing what the file had before."""
        with self._reading:
            os.lseek(self._file.fileno(), at, os.SEEK_SET)
            return os.read(self._file.fileno(), count)


class GrowingRecording(AbstractContextManager["GrowingRecording"]):
    """A recording that the recorder still writes; a context manager, like `Recording`.

    `wait` is called whenever there is nothing to read now. It returns whether the recording goes on; when it
    has ended, the rest is read. Its length is not known before.
    """

    duration_seconds: float | None = None

    def __init__(self, name: str, file: GrowingFile, wait: Wait, limits: RecordingLimits) -> None:
        self._name, self._file, self._wait, self._limits = name, file, wait, limits
        self._flags = Flags()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def flags(self) -> tuple[str, ...]:
        return self._flags()

    @property
    def has_two_channels(self) -> bool:
        """Whether it has two channels, by its header."""
        return self._file.channels == 2

    @property
    def frames_there(self) -> int:
        """The frames that can be read now, from the beginning on."""
        return self._file.frames_there

    def blocks(self) -> Iterator[Mono]:
        """Yield the audio from the beginning, in blocks of 0.5 s, of two channels in blocks of 1 s.

        Blocks have shape (frames,), 16 kHz mono, in [-1, 1]. Raises TooLarge, TooLong, and at the end NoAudio
        if there was none.
        """
        # How two channels are mixed depends on the block: whether they cancel is decided for each.
        frames = WAV_PACKET_BYTES // self._file.frame_bytes if self.has_two_channels else BLOCK_FRAMES
        return some(resampled(downmixed(self._chunks(frames), self._flags)), self._why_nothing)

    def pairs(self) -> Iterator[Channels]:
        """Yield the two channels from the beginning, in blocks of 0.5 s: shape (2, frames), 16 kHz.

        Raises what `blocks` raises.
        """
        return some(resampled_pairs(self._chunks(BLOCK_FRAMES)), self._why_nothing)

    def _chunks(self, frames: int) -> Iterator[Chunk]:
        """Yield chunks of `frames`, and a shorter one at the end."""
        first, has_ended = 0, False
        while True:
            samples = self._file.samples(first, frames)
            read = samples.shape[1]
            if read == frames or (has_ended and read):
                first += read
                self._check_limits(first)
                yield Chunk(samples, SAMPLE_RATE_HZ)
            elif has_ended:
                return
            else:
                has_ended = not self._wait()

    def _check_limits(self, frames: int) -> None:
        self._limits.check_size(self._name, HEADER_BYTES + frames * self._file.frame_bytes)
        self._limits.check_length(self._name, frames / SAMPLE_RATE_HZ)

    def _why_nothing(self) -> NoAudio:
        return NoAudio(f"{self._name} has a header, but no audio after it.")


def open_growing(path: Path, wait: Wait, limits: RecordingLimits = ORDINARY) -> GrowingRecording:
    """Open a recording that is being written, and wait for its header if it has just been created.

    It can be renamed while it is open, on Windows too. Links are refused. Raises EmptyRecording,
    DamagedHeader and NotARecording if it is no recording of the recorder, and OSError.
    """
    try:
        file = open_regular(path, follow_links=False, keep_movable=True)
    except NotRegular as error:
        raise NotARecording(f"{path.name} is not a regular file.") from error
    try:
        return GrowingRecording(path.name, GrowingFile(path.name, file, wait), wait, limits)
    except BaseException:
        file.close()
        raise
