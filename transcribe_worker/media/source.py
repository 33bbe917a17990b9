"""The file object that FFmpeg reads: a range of a file after a correct header."""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np

from transcribe_worker.media.riff import WavLayout


class Source:
    """A read-only file object: `header`, then `length` bytes of `file` from `offset` on."""

    def __init__(self, file: BinaryIO, offset: int, length: int, header: bytes = b"", width: int = 1) -> None:
        self.file = file
        self._offset = offset
        self._length = length
        self._header = header
        self._width = width
        self._position = 0

    def read(self, count: int) -> bytes:
        at = self._position - len(self._header)
        piece = self._header[self._position :][:count] if at < 0 else self._body(at, count)
        self._position += len(piece)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._position, len(self._header) + self._length)[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def _body(self, at: int, count: int) -> bytes:
        """Return bytes of the range; big-endian samples of `width` bytes become little-endian."""
        count = min(count, self._length - at)
        # In a damaged file FFmpeg may seek so far beyond the end that the system's seek fails.
        if count <= 0:
            return b""
        skipped = at % self._width
        self.file.seek(self._offset + at - skipped)
        raw = self.file.read(skipped + count + -(skipped + count) % self._width)
        return _turned(raw, self._width)[skipped:][:count]


def _turned(raw: bytes, width: int) -> bytes:
    """Convert big-endian samples of `width` bytes to little-endian ones."""
    if width == 1:
        return raw
    whole = len(raw) - len(raw) % width
    return np.frombuffer(raw[:whole], np.uint8).reshape(-1, width)[:, ::-1].tobytes()


def clean_header(layout: WavLayout) -> bytes:
    """Return a header with the WAV's true sizes; RF64 where 32 bits are too few."""
    fmt = layout.little_endian_fmt
    fmt_chunk = struct.pack("<4sI", b"fmt ", len(fmt)) + fmt + b"\0" * (len(fmt) % 2)
    size = 4 + len(fmt_chunk) + 8 + layout.data_bytes
    if size < 2**32:
        data = struct.pack("<4sI", b"data", layout.data_bytes)
        return struct.pack("<4sI4s", b"RIFF", size, b"WAVE") + fmt_chunk + data
    ds64 = struct.pack("<4sIQQQI", b"ds64", 28, size + 36, layout.data_bytes, 0, 0)
    return b"RF64\xff\xff\xff\xffWAVE" + ds64 + fmt_chunk + b"data\xff\xff\xff\xff"
