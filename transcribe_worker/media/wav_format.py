"""The fmt chunk of a WAV: the format of its samples."""

from __future__ import annotations

import struct
from typing import NamedTuple

from shared.errors import DamagedHeader

MIN_FMT_BYTES = 14
PCM, FLOAT, A_LAW, MU_LAW, EXTENSIBLE = 0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE
ONE_BLOCK_IS_ONE_FRAME = {PCM, FLOAT, A_LAW, MU_LAW, EXTENSIBLE}
PLAIN_FORMATS = {PCM, FLOAT, EXTENSIBLE}


class WavFormat(NamedTuple):
    """The fields that all formats share."""

    tag: int
    channels: int
    sample_rate_hz: int
    bytes_per_second: int
    block_align: int


def checked_fmt(fmt: bytes, order: str) -> bytes:
    """Return the chunk if a WAV can have it. Raises DamagedHeader."""
    if len(fmt) < MIN_FMT_BYTES:
        raise DamagedHeader(f"The header of the file is damaged: its format has only {len(fmt)} bytes.")
    parsed = parse_fmt(fmt, order)
    for field in ("channels", "sample_rate_hz", "block_align"):
        if getattr(parsed, field) == 0:
            raise DamagedHeader(f"The header of the file is damaged: its {field} is 0.")
    return fmt


def parse_fmt(fmt: bytes, order: str) -> WavFormat:
    """Return the first fields; `order` is the byte order as `struct` writes it."""
    return WavFormat._make(struct.unpack(order + "HHIIH", fmt[:MIN_FMT_BYTES]))


def turned_fmt(fmt: bytes) -> bytes:
    """Convert a big-endian fmt chunk to little-endian, field by field (WAVEFORMATEXTENSIBLE, then bytes)."""
    fields = struct.Struct(">HHIIHHHHIIHH")
    known = fields.unpack(fmt[: fields.size].ljust(fields.size, b"\0"))
    turned = struct.pack("<HHIIHHHHIIHH", *known)[: len(fmt)]
    return turned + fmt[fields.size :]
