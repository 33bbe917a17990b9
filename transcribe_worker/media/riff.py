"""Compares the header of a WAV with the audio in the file.

Reads the headers of RIFF, RIFX (big-endian), RF64/BW64 (EBU Tech 3306) and Sony Wave64. A killed recorder
leaves sizes that are missing or out of date, so they are compared with the file's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.errors import BadRecording, DamagedHeader, NoAudio
from shared.files import open_regular
from transcribe_worker.media.riff_chunks import Chunk, ChunkReader, open_family
from transcribe_worker.media.wav_format import (
    ONE_BLOCK_IS_ONE_FRAME,
    PLAIN_FORMATS,
    WavFormat,
    checked_fmt,
    parse_fmt,
    turned_fmt,
)


@dataclass(frozen=True)
class WavLayout:
    """The position and format of the audio in a WAV.

    `data_offset` and `data_bytes` describe the audio that is there, in whole blocks. `flags` has the fault of
    the header's size: "header_size_missing", "header_size_stale" or "cut_short". `is_whole`: the header
    accounts for every byte of the file. `next_offset`: where another WAV begins in the file, if one does.
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
        """The length of the audio; for compressed formats by their mean bit rate, None if they have none."""
        fmt = self._format
        if fmt.tag in ONE_BLOCK_IS_ONE_FRAME:
            return self.data_bytes / fmt.block_align / fmt.sample_rate_hz
        return self.data_bytes / fmt.bytes_per_second if fmt.bytes_per_second else None

    @property
    def swapped_bytes(self) -> int:
        """The bytes of a big-endian sample, whose order must be reversed; 1 if none is."""
        turned = self.form == "RIFX" and self._format.tag in PLAIN_FORMATS
        return max(1, self.block_align // self.channels) if turned else 1

    @property
    def little_endian_fmt(self) -> bytes:
        """The fmt chunk in little-endian order."""
        return turned_fmt(self.fmt) if self.form == "RIFX" else self.fmt


def read_layout(file: BinaryIO, size_bytes: int) -> WavLayout | None:
    """Find the audio of a WAV of `size_bytes`; None if the file is not of the WAV family.

    Raises DamagedHeader if the header is cut off or absurd, NoAudio if no whole block follows it.
    """
    reader = open_family(file, size_bytes)
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
    """Whether the file is a WAV whose header accounts for every byte of it; False if it is unreadable."""
    layout = _layout_of(path)
    return layout is not None and layout.is_whole


def is_cut_short(path: Path) -> bool:
    """Whether the file is a WAV whose header claims more audio than there is; False if it is unreadable."""
    layout = _layout_of(path)
    return layout is not None and "cut_short" in layout.flags


def _layout_of(path: Path) -> WavLayout | None:
    try:
        with open_regular(path) as file:
            return read_layout(file, file.seek(0, 2))
    except (OSError, BadRecording):
        return None


def _layout(reader: ChunkReader, fmt: bytes, data: Chunk) -> WavLayout:
    if not fmt:
        raise DamagedHeader("The header of the file is damaged: it does not give the format of the audio.")
    data_bytes, flags = _measure(reader, data)
    whole_blocks = data_bytes - data_bytes % parse_fmt(fmt, reader.dialect.order).block_align
    if whole_blocks == 0:
        raise NoAudio
    # Writers differ in whether the form's own size counts the last pad byte.
    accounted = abs(reader.form_size - reader.size_bytes) <= 1
    is_whole = accounted and not flags
    following = None if flags else reader.next_form(Chunk(data.name, data.offset, data_bytes))
    return WavLayout(reader.dialect.form, fmt, data.offset, whole_blocks, flags, is_whole, following)


def _measure(reader: ChunkReader, data: Chunk) -> tuple[int, tuple[str, ...]]:
    """Return the bytes of audio that are there, and the flags of a header that states another size."""
    there = max(0, reader.size_bytes - data.offset)
    claimed = reader.claimed_size(data)
    if claimed is None:
        empty = data.size == 0 and reader.ends_with_the_file(data)
        return (0, ()) if empty else (there, ("header_size_missing",))
    if claimed > there:
        return there, ("cut_short",)
    if reader.ends_with_the_file(Chunk(data.name, data.offset, claimed)):
        return claimed, ()
    return there, ("header_size_stale",)
