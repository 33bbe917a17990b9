"""What a WAV says of itself, and how much audio is really there.

Reads the headers of RIFF, RIFX (big-endian), RF64/BW64 (EBU Tech 3306) and Sony Wave64. A recorder that was
killed leaves sizes that are missing or out of date, so every size is compared with that of the file.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.errors import BadRecording, DamagedHeader, NoAudio
from shared.files import open_regular
from transcribe_worker.media.wav_format import (
    ONE_BLOCK_IS_ONE_FRAME,
    PLAIN_FORMATS,
    WavFormat,
    checked_fmt,
    parse_fmt,
    turned_fmt,
)

MAX_CHUNKS = 1_000
MAX_FMT_BYTES = 4_096
W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
W64_WAVE = b"wave\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
WAVE_START = re.compile(
    rb"(RIF[FX]|RF64|BW64).{4}WAVE|" + re.escape(W64_RIFF) + rb".{8}" + re.escape(W64_WAVE), re.DOTALL
)


@dataclass(frozen=True)
class WavLayout:
    """Where the audio of a WAV is and what it is made of.

    `data_offset` and `data_bytes` say where audio really is, in whole blocks, whatever the header claims.
    `flags` says what was wrong with the claim: "header_size_missing", "header_size_stale" or "cut_short".
    `is_whole`: the header accounts for every byte of the file, so nobody is still writing it. `next_offset`:
    where another WAV begins in the same file, if one does.
    """

    form: str
    fmt: bytes
    data_offset: int
    data_bytes: int
    flags: tuple[str, ...]
    is_whole: bool
    next_offset: int | None = None

    @property
    def _format(self) -> WavFormat:
        return parse_fmt(self.fmt, ">" if self.form == "RIFX" else "<")

    @property
    def sample_rate_hz(self) -> int:
        return self._format.sample_rate_hz

    @property
    def channels(self) -> int:
        return self._format.channels

    @property
    def block_align(self) -> int:
        """Bytes in one block: a sample of every channel, or one packet of a compressed format."""
        return self._format.block_align

    @property
    def duration_seconds(self) -> float | None:
        """Length of the audio; for compressed formats by their mean bit rate, None if they state none."""
        fmt = self._format
        if fmt.tag in ONE_BLOCK_IS_ONE_FRAME:
            return self.data_bytes / fmt.block_align / fmt.sample_rate_hz
        return self.data_bytes / fmt.bytes_per_second if fmt.bytes_per_second else None

    @property
    def swapped_bytes(self) -> int:
        """Width of big-endian samples, which a little-endian reader must turn round; 1 if there are none."""
        turned = self.form == "RIFX" and self._format.tag in PLAIN_FORMATS
        return max(1, self.block_align // self.channels) if turned else 1

    @property
    def little_endian_fmt(self) -> bytes:
        """The fmt chunk as an ordinary RIFF has it."""
        return turned_fmt(self.fmt) if self.form == "RIFX" else self.fmt


def read_layout(file: BinaryIO, size_bytes: int) -> WavLayout | None:
    """Find the audio of a WAV of `size_bytes`; None if the file is not of the WAV family.

    Raises DamagedHeader if the header is cut off or absurd, NoAudio if nothing follows it.
    """
    reader = _open_family(file, size_bytes)
    if reader is None:
        return None
    fmt = b""
    for chunk in reader.chunks():
        if chunk.name == b"ds64":
            reader.read_ds64(chunk)
        elif chunk.name == b"fmt ":
            fmt = checked_fmt(reader.payload(chunk), reader.dialect.order)
        elif chunk.name == b"data":
            return _layout(reader, fmt, chunk)
    raise DamagedHeader("The header of the file is cut off or damaged before the audio begins.")


def is_whole(path: Path) -> bool:
    """Whether the file is a WAV whose header accounts for every byte of it. Never raises."""
    layout = _layout_of(path)
    return layout is not None and layout.is_whole


def is_cut_short(path: Path) -> bool:
    """Whether the file is a WAV whose header promises more than there is. Never raises."""
    layout = _layout_of(path)
    return layout is not None and "cut_short" in layout.flags


def _layout_of(path: Path) -> WavLayout | None:
    try:
        with open_regular(path) as file:
            return read_layout(file, file.seek(0, 2))
    except (OSError, BadRecording):
        return None


@dataclass(frozen=True)
class _Dialect:
    """How one member of the family writes a chunk: name and size, then the payload, padded to `align`."""

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
        """The size a recorder writes when it cannot know it yet: all bits set."""
        return 0xFFFF_FFFF if self.head.size == 8 else 0xFFFF_FFFF_FFFF_FFFF - self.head.size


_RIFF = struct.Struct("<4sI")
DIALECTS = {
    b"RIFF": _Dialect("RIFF", _RIFF, align=2, first_chunk=12),
    b"RIFX": _Dialect("RIFX", struct.Struct(">4sI"), align=2, first_chunk=12),
    b"RF64": _Dialect("RF64", _RIFF, align=2, first_chunk=12),
    b"BW64": _Dialect("RF64", _RIFF, align=2, first_chunk=12),
    W64_RIFF: _Dialect("W64", struct.Struct("<16sQ"), align=8, first_chunk=40, size_counts_head=True),
}


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    offset: int  # of the payload
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


class _Reader:
    """Walks the chunks of a file, each by its head alone."""

    def __init__(self, file: BinaryIO, size_bytes: int, dialect: _Dialect, form_size: int) -> None:
        self.file = file
        self.size_bytes = size_bytes
        self.dialect = dialect
        self.form_size = form_size
        self.long_data_size: int | None = None

    def chunks(self) -> Iterator[_Chunk]:
        return self._chain(self._chunk_at(self.dialect.first_chunk))

    def ends_with_the_file(self, chunk: _Chunk) -> bool:
        """Whether this chunk, or a chain of others after it, ends exactly where the file or the form does."""
        return any(
            self.size_bytes in (each.end, self._padded(each.end)) or self._form_at(each.end) is not None
            for each in self._chain(chunk)
        )

    def next_form(self, chunk: _Chunk) -> int | None:
        """Where another form begins in the chain of chunks after this one."""
        forms = (self._form_at(each.end) for each in self._chain(chunk))
        return next((at for at in forms if at is not None), None)

    def _chain(self, chunk: _Chunk | None) -> Iterator[_Chunk]:
        for _ in range(MAX_CHUNKS):
            if chunk is None:
                return
            yield chunk
            chunk = self._after(chunk)

    def _form_at(self, position: int) -> int | None:
        """Where another WAV begins, at this position or behind its padding."""
        for at in (self._padded(position), position):
            self.file.seek(at)
            start = self.file.read(40)
            if WAVE_START.match(start):
                return at
        return None

    def payload(self, chunk: _Chunk) -> bytes:
        if chunk.size > MAX_FMT_BYTES:
            raise DamagedHeader(f"The header of the file is damaged: its format has {chunk.size:,} bytes.")
        if chunk.end > self.size_bytes:
            raise DamagedHeader(f"The file ends after {self.size_bytes:,} bytes, within its header.")
        self.file.seek(chunk.offset)
        return self.file.read(chunk.size)

    def read_ds64(self, chunk: _Chunk) -> None:
        self.file.seek(chunk.offset)
        sizes = self.file.read(16)
        if self.dialect.form == "RF64" and len(sizes) == 16:
            form_size, self.long_data_size = struct.unpack("<QQ", sizes)
            self.form_size = form_size + 8

    def claimed_size(self, chunk: _Chunk) -> int | None:
        """The size the header gives for the audio, None if it gives none."""
        size = chunk.size
        if size == self.dialect.unknown and self.long_data_size is not None:
            size = self.long_data_size
        return None if size in (0, self.dialect.unknown, 0xFFFF_FFFF_FFFF_FFFF) else size

    def _after(self, chunk: _Chunk) -> _Chunk | None:
        # Some writers forget the pad byte behind an odd payload.
        return self._chunk_at(self._padded(chunk.end)) or self._chunk_at(chunk.end)

    def _chunk_at(self, position: int) -> _Chunk | None:
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
        return _Chunk(name[:4], position + head.size, max(size, 0)) if printable else None

    def _padded(self, position: int) -> int:
        return position + -position % self.dialect.align


def _open_family(file: BinaryIO, size_bytes: int) -> _Reader | None:
    file.seek(0)
    start = file.read(40)
    for magic, dialect in DIALECTS.items():
        if start.startswith(magic):
            return _open_form(file, size_bytes, dialect, start)
    # A file that ends within its own magic bytes can only be told by what there is of them.
    if start and any(magic.startswith(start) for magic in DIALECTS):
        raise DamagedHeader(f"The file ends after {len(start)} bytes, within its header.")
    return None


def _open_form(file: BinaryIO, size_bytes: int, dialect: _Dialect, start: bytes) -> _Reader | None:
    size_at, kind_at, kind = (16, 24, W64_WAVE) if dialect.form == "W64" else (4, 8, b"WAVE")
    if len(start) < dialect.first_chunk and kind.startswith(start[kind_at:]):
        raise DamagedHeader(f"The file ends after {len(start)} bytes, within its header.")
    if not start.startswith(kind, kind_at):
        return None
    size_format, counted = ("<Q", 0) if dialect.form == "W64" else (dialect.order + "I", 8)
    (form_size,) = struct.unpack_from(size_format, start, size_at)
    return _Reader(file, size_bytes, dialect, form_size + counted)


def _layout(reader: _Reader, fmt: bytes, data: _Chunk) -> WavLayout:
    if not fmt:
        raise DamagedHeader("The header of the file is damaged: nothing says what its audio is made of.")
    data_bytes, flags = _measure(reader, data)
    whole_blocks = data_bytes - data_bytes % parse_fmt(fmt, reader.dialect.order).block_align
    if whole_blocks == 0:
        raise NoAudio
    # Writers differ in whether the form's own size counts the last pad byte.
    accounted = abs(reader.form_size - reader.size_bytes) <= 1
    is_whole = accounted and not flags
    following = None if flags else reader.next_form(_Chunk(data.name, data.offset, data_bytes))
    return WavLayout(reader.dialect.form, fmt, data.offset, whole_blocks, flags, is_whole, following)


def _measure(reader: _Reader, data: _Chunk) -> tuple[int, tuple[str, ...]]:
    """How many bytes of audio there are, and in what way the header was wrong about it."""
    there = max(0, reader.size_bytes - data.offset)
    claimed = reader.claimed_size(data)
    if claimed is None:
        empty = data.size == 0 and reader.ends_with_the_file(data)
        return (0, ()) if empty else (there, ("header_size_missing",))
    if claimed > there:
        return there, ("cut_short",)
    if reader.ends_with_the_file(_Chunk(data.name, data.offset, claimed)):
        return claimed, ()
    return there, ("header_size_stale",)
