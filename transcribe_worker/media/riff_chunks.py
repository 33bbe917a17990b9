"""Reads the chunks of a WAV, in all dialects: RIFF, RIFX, RF64, BW64 and Wave64."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from shared.errors import DamagedHeader

MAX_CHUNKS = 1_000
MAX_FMT_BYTES = 4_096
W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
W64_WAVE = b"wave\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
WAVE_START = re.compile(
    rb"(RIF[FX]|RF64|BW64).{4}WAVE|" + re.escape(W64_RIFF) + rb".{8}" + re.escape(W64_WAVE), re.DOTALL
)


@dataclass(frozen=True)
class Dialect:
    """How a dialect writes a chunk: name and size, then the payload, padded to `align` bytes."""

    form: str
    head: struct.Struct
    align: int
    first_chunk: int
    size_counts_head: bool = False

    @property
    def order(self) -> str:
        return self.head.format[:1]

    @property
    def unknown(self) -> int:
        """The size that a recorder writes before it knows it: all bits set."""
        return 0xFFFF_FFFF if self.head.size == 8 else 0xFFFF_FFFF_FFFF_FFFF - self.head.size


_RIFF = struct.Struct("<4sI")
DIALECTS = {
    b"RIFF": Dialect("RIFF", _RIFF, align=2, first_chunk=12),
    b"RIFX": Dialect("RIFX", struct.Struct(">4sI"), align=2, first_chunk=12),
    b"RF64": Dialect("RF64", _RIFF, align=2, first_chunk=12),
    b"BW64": Dialect("RF64", _RIFF, align=2, first_chunk=12),
    W64_RIFF: Dialect("W64", struct.Struct("<16sQ"), align=8, first_chunk=40, size_counts_head=True),
}


@dataclass(frozen=True)
class Chunk:
    name: bytes
    offset: int  # of the payload
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


class ChunkReader:
    """Walks the chunks of a file by reading their heads."""

    def __init__(self, file: BinaryIO, size_bytes: int, dialect: Dialect, form_size: int) -> None:
        self.file = file
        self.size_bytes = size_bytes
        self.dialect = dialect
        self.form_size = form_size
        self.long_data_size: int | None = None

    def chunks(self) -> Iterator[Chunk]:
        return self._chain(self._chunk_at(self.dialect.first_chunk))

    def ends_with_the_file(self, chunk: Chunk) -> bool:
        """Whether this chunk, or a later one in its chain, ends where the file ends or another WAV begins."""
        return any(
            self.size_bytes in (each.end, self._padded(each.end)) or self._form_at(each.end) is not None
            for each in self._chain(chunk)
        )

    def next_form(self, chunk: Chunk) -> int | None:
        """Return where another WAV begins in the chain of chunks after this one."""
        forms = (self._form_at(each.end) for each in self._chain(chunk))
        return next((at for at in forms if at is not None), None)

    def _chain(self, chunk: Chunk | None) -> Iterator[Chunk]:
        for _ in range(MAX_CHUNKS):
            if chunk is None:
                return
            yield chunk
            chunk = self._after(chunk)

    def _form_at(self, position: int) -> int | None:
        """Return where another WAV begins, at this position or after its padding."""
        for at in (self._padded(position), position):
            self.file.seek(at)
            start = self.file.read(40)
            if WAVE_START.match(start):
                return at
        return None

    def payload(self, chunk: Chunk) -> bytes:
        if chunk.size > MAX_FMT_BYTES:
            raise DamagedHeader(f"The header of the file is damaged: its format has {chunk.size:,} bytes.")
        if chunk.end > self.size_bytes:
            raise DamagedHeader(f"The file ends after {self.size_bytes:,} bytes, within its header.")
        self.file.seek(chunk.offset)
        return self.file.read(chunk.size)

    def read_ds64(self, chunk: Chunk) -> None:
        self.file.seek(chunk.offset)
        sizes = self.file.read(16)
        if self.dialect.form == "RF64" and len(sizes) == 16:
            form_size, self.long_data_size = struct.unpack("<QQ", sizes)
            self.form_size = form_size + 8

    def claimed_size(self, chunk: Chunk) -> int | None:
        """Return the size that the header states for the audio, None if it states none."""
        size = chunk.size
        if size == self.dialect.unknown and self.long_data_size is not None:
            size = self.long_data_size
        return None if size in (0, self.dialect.unknown, 0xFFFF_FFFF_FFFF_FFFF) else size

    def _after(self, chunk: Chunk) -> Chunk | None:
        # Some writers omit the pad byte after an odd payload.
        return self._chunk_at(self._padded(chunk.end)) or self._chunk_at(chunk.end)

    def _chunk_at(self, position: int) -> Chunk | None:
        head = self.dialect.head
        if position + head.size > self.size_bytes:
            return None
        self.file.seek(position)
        raw = self.file.read(head.size)
        if len(raw) < head.size:
            return None
        name, size = head.unpack(raw)
        size -= head.size if self.dialect.size_counts_head else 0
        printable = all(0x20 <= byte < 0x7F for byte in name[:4])
        return Chunk(name[:4], position + head.size, max(size, 0)) if printable else None

    def _padded(self, position: int) -> int:
        return position + -position % self.dialect.align


def open_family(file: BinaryIO, size_bytes: int) -> ChunkReader | None:
    file.seek(0)
    start = file.read(40)
    for magic, dialect in DIALECTS.items():
        if start.startswith(magic):
            return _open_form(file, size_bytes, dialect, start)
    # The file may end within its magic bytes.
    if start and any(magic.startswith(start) for magic in DIALECTS):
        raise DamagedHeader(f"The file ends after {len(start)} bytes, within its header.")
    return None


def _open_form(file: BinaryIO, size_bytes: int, dialect: Dialect, start: bytes) -> ChunkReader | None:
    size_at, kind_at, kind = (16, 24, W64_WAVE) if dialect.form == "W64" else (4, 8, b"WAVE")
    if len(start) < dialect.first_chunk and kind.startswith(start[kind_at:]):
        raise DamagedHeader(f"The file ends after {len(start)} bytes, within its header.")
    if not start.startswith(kind, kind_at):
        return None
    size_format, counted = ("<Q", 0) if dialect.form == "W64" else (dialect.order + "I", 8)
    (form_size,) = struct.unpack_from(size_format, start, size_at)
    return ChunkReader(file, size_bytes, dialect, form_size + counted)
