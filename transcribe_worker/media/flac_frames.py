"""Compares the samples in the frames of a FLAC with the total in its header (RFC 9639)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

MAX_METADATA_BLOCKS = 1_000
STREAMINFO_BYTES = 34
LAST_BLOCK = 0x80
#: A frame of 8 channels, 65,535 samples and 32 bits has 2.1 MB. Speech has less than 64 kB.
TAIL_BYTES = 4_194_304
MAX_HEADER_BYTES = 16
#: The checksum of a longer last frame is not computed; tags may follow it.
CHECKED_BYTES = 65_536
#: A frame begins with a sync code of 15 bits and one bit that says whether block sizes vary.
SYNCS = (b"\xff\xf8", b"\xff\xf9")


@dataclass(frozen=True)
class _Streaminfo:
    max_block_samples: int
    total_samples: int
    frames_at: int
    first_frame: bytes  # its first 3 bytes; sync code and sample rate are those of all frames


def is_cut_short(file: BinaryIO, start: int, size_bytes: int) -> bool:
    """Whether the last frame ends before the total of samples; False if the header gives no total."""
    info = _read_streaminfo(file, start)
    if info is None:  # the file ends within its metadata
        return True
    if not info.total_samples:
        return False
    last = _last_sample(file, info, size_bytes)
    return last is None or last < info.total_samples


def _read_streaminfo(file: BinaryIO, start: int) -> _Streaminfo | None:
    file.seek(start + 4)
    streaminfo = b""
    for _ in range(MAX_METADATA_BLOCKS):
        head = file.read(4)
        if len(head) < 4:
            return None
        size = int.from_bytes(head[1:])
        if head[0] & 0x7F == 0:
            streaminfo = file.read(size) if size == STREAMINFO_BYTES else b""
        else:
            file.seek(size, os.SEEK_CUR)
        if head[0] & LAST_BLOCK:
            break
    if len(streaminfo) < STREAMINFO_BYTES:
        return None
    total = int.from_bytes(streaminfo[10:18]) & (1 << 36) - 1
    frames_at = file.tell()
    first_frame = file.read(3)
    if first_frame[:2] not in SYNCS:
        return None
    return _Streaminfo(int.from_bytes(streaminfo[2:4]), total, frames_at, first_frame)


def _last_sample(file: BinaryIO, info: _Streaminfo, size_bytes: int) -> int | None:
    """Return the number of the sample after the last frame; None if that frame is missing or incomplete."""
    at = max(info.frames_at, size_bytes - TAIL_BYTES)
    file.seek(at)
    tail = file.read(TAIL_BYTES)
    found = len(tail)
    while (found := tail.rfind(info.first_frame[:2], 0, found)) >= 0:
        end = _frame_end(tail[found : found + MAX_HEADER_BYTES], info)
        if end is not None:
            is_whole = _crc16(tail[found:]) == 0 if len(tail) - found <= CHECKED_BYTES else True
            return end if is_whole or end < info.total_samples else None
    return None


def _frame_end(header: bytes, info: _Streaminfo) -> int | None:
    """Return the number of the sample after a frame; None if there is no frame header here."""
    if len(header) < 6 or not header[2] >> 4 or (header[2] ^ info.first_frame[2]) & 0x0F:
        return None
    number, used = _coded_number(header[4:])
    if number is None:
        return None
    code, at = header[2] >> 4, 4 + used
    samples, extra = _block_samples(code, header[at : at + 2])
    at += extra + _rate_bytes(header[2] & 0x0F)
    if at >= len(header) or _crc8(header[:at]) != header[at]:
        return None
    varies = header[1] & 1
    return number + samples if varies else number * info.max_block_samples + samples


def _coded_number(raw: bytes) -> tuple[int | None, int]:
    """Decode a number coded like UTF-8, in up to 7 bytes (RFC 9639, section 9.1.5)."""
    ones = 8 - (~raw[0] & 0xFF).bit_length()
    if ones == 0:
        return raw[0], 1
    if ones == 1 or ones > 7 or len(raw) < ones:
        return None, 0
    number = raw[0] & (0x7F >> ones)
    for byte in raw[1:ones]:
        if byte >> 6 != 0b10:
            return None, 0
        number = number << 6 | byte & 0x3F
    return number, ones


def _block_samples(code: int, extra: bytes) -> tuple[int, int]:
    """Return the samples of a block and the bytes that follow the number for them (section 9.1.1)."""
    if code == 1:
        return 192, 0
    if code <= 5:
        return 144 << code, 0
    if code == 6:
        return int.from_bytes(extra[:1]) + 1, 1
    if code == 7:
        return int.from_bytes(extra) + 1, 2
    return 1 << code, 0


def _rate_bytes(code: int) -> int:
    return {12: 1, 13: 2, 14: 2}.get(code, 0)


def _crc8(data: bytes) -> int:
    """Return the checksum of a frame header, polynomial 0x07 (section 9.1.8); 0 over data and checksum."""
    return _crc(data, 0x07, 8)


def _crc16(data: bytes) -> int:
    """Return the checksum of a frame, polynomial 0x8005 (section 9.3); 0 over data and checksum."""
    return _crc(data, 0x8005, 16)


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    table, crc, mask = _crc_table(polynomial, bits), 0, (1 << bits) - 1
    for byte in data:
        crc = (crc << 8 & mask) ^ table[(crc >> bits - 8) ^ byte]
    return crc


@cache
def _crc_table(polynomial: int, bits: int) -> list[int]:
    return [_crc_of_byte(byte << bits - 8, polynomial, 1 << bits - 1) for byte in range(256)]


def _crc_of_byte(crc: int, polynomial: int, top: int) -> int:
    for _ in range(8):
        crc = (crc << 1) ^ (polynomial if crc & top else 0)
        crc &= 2 * top - 1
    return crc
