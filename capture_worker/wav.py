"""Writes the WAV of a recording: playable after a kill at any moment, at any length.

The header is rewritten every second; after each `sync` it is on the disk with the audio.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from shared.home import FILE_MODE
from shared.recording_wav import HEADER_BYTES, RATE_HZ, SAMPLE_BYTES, header


class WavWriter:
    """A new file of 16-bit audio at 16 kHz; written audio has reached the kernel when a call returns.

    Raises OSError, FileExistsError among them. After an error the file can still be closed; it then has the
    audio of all calls that returned.
    """

    def __init__(self, path: Path, channels: int) -> None:
        self.path = path
        self.data_bytes = 0
        self._channels = channels
        self._file = _new_private_file(path)
        try:
            _write_all(self._file, header(channels, 0))
            os.fsync(self._file.fileno())
        except OSError:
            self._file.close()
            path.unlink()
            raise

    @property
    def seconds(self) -> float:
        """The length of the audio written so far."""
        return self.data_bytes / (self._channels * SAMPLE_BYTES * RATE_HZ)

    def write(self, pcm: bytes) -> None:
        """Append whole frames."""
        _write_all(self._file, pcm)
        self.data_bytes += len(pcm)

    def sync(self) -> None:
        """Update the header and sync the file, so that the audio survives a power cut."""
        self._refresh()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Sync and close; bytes after the last complete `write` are cut off."""
        try:
            self._file.truncate(HEADER_BYTES + self.data_bytes)
            self.sync()
        finally:
            self._file.close()

    def _refresh(self) -> None:
        self._file.seek(0)
        _write_all(self._file, header(self._channels, self.data_bytes))
        self._file.seek(HEADER_BYTES + self.data_bytes)


def _new_private_file(path: Path) -> BinaryIO:
    """Create a file of mode 0600 at most, for any umask of the embedding program."""
    return open(path, "xb", buffering=0, opener=lambda name, flags: os.open(name, flags, FILE_MODE))


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Write everything: a raw file may accept only a part, as when the disk is nearly full."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def repair(path: Path, channels: int) -> float:
    """Make the file of a killed recorder playable; return its seconds, 0.0 if it has no audio.

    `channels` is used if the header is missing, as after a power cut. Raises OSError.
    """
    with path.open("r+b") as file:
        start = file.read(HEADER_BYTES)
        size = file.seek(0, os.SEEK_END)
        channels = _channels_of(start) or channels
        block = channels * SAMPLE_BYTES
        data_bytes = max(0, size - HEADER_BYTES) // block * block
        if data_bytes:
            file.truncate(HEADER_BYTES + data_bytes)
            file.seek(0)
            file.write(header(channels, data_bytes))
            file.flush()
            os.fsync(file.fileno())
    return data_bytes / block / RATE_HZ


def _channels_of(start: bytes) -> int:
    """Return the channels in a header of `WavWriter`, 0 for any other header."""
    if len(start) < HEADER_BYTES or start[:4] not in (b"RIFF", b"RF64") or start[48:52] != b"fmt ":
        return 0
    channels: int = struct.unpack_from("<H", start, 58)[0]
    return channels if channels in (1, 2) else 0
