"""The header of the WAV that the recorder writes: 16-bit audio at 16 kHz after 80 bytes.

It has room for RF64's long sizes (EBU Tech 3306) from the start, so it never moves. While a call is recorded
it is rewritten after each sync, so that it never promises what may not be there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from shared.errors import DamagedHeader, EmptyRecording, NotARecording

RATE_HZ = 16_000
SAMPLE_BYTES = 2
#: From this size on the file is an RF64: a RIFF counts its bytes with 32 bits.
RF64_FROM_BYTES = 2**32 - 2**16
_PCM = 1
_UNKNOWN = 0xFFFF_FFFF
_DS64_BYTES = 28
_FMT = struct.Struct("<HHIIHH")
#: Form, size, WAVE; JUNK or ds64, size, three long sizes, length of a table; fmt, size, format; data, size.
_HEADER = struct.Struct("<4sI4s 4sIQQQI 4sIHHIIHH 4sI")
_ROOMS = {b"RIFF": b"JUNK", b"RF64": b"ds64"}
HEADER_BYTES = _HEADER.size


def header(channels: int, data_bytes: int, rate_hz: int = RATE_HZ) -> bytes:
    """Return the header for `data_bytes` of 16-bit audio: RIFF, or RF64 beyond 4 GiB."""
    size = HEADER_BYTES - 8 + data_bytes
    block = channels * SAMPLE_BYTES
    fmt = struct.pack("<4sI", b"fmt ", _FMT.size) + _FMT.pack(
        _PCM, channels, rate_hz, rate_hz * block, block, 8 * SAMPLE_BYTES
    )
    if HEADER_BYTES + data_bytes < RF64_FROM_BYTES:
        room = struct.pack("<4sI", b"JUNK", _DS64_BYTES) + bytes(_DS64_BYTES)
        return struct.pack("<4sI4s", b"RIFF", size, b"WAVE") + room + fmt + _data(data_bytes)
    sizes = struct.pack("<4sIQQQI", b"ds64", _DS64_BYTES, size, data_bytes, data_bytes // block, 0)
    return struct.pack("<4sI4s", b"RF64", _UNKNOWN, b"WAVE") + sizes + fmt + _data(_UNKNOWN)


def _data(size: int) -> bytes:
    return struct.pack("<4sI", b"data", size)


@dataclass(frozen=True)
class Header:
    """The header of a recording: its channels, and the bytes of audio that it promises.

    `data_bytes` is None if its sizes contradict each other: it was read while it was being written.
    """

    channels: int
    data_bytes: int | None

    @classmethod
    def read(cls, raw: bytes, name: str) -> Header:
        """Read the first bytes of a file. Raises EmptyRecording, DamagedHeader, NotARecording."""
        _check_start(raw, name)
        form, size, _, room, room_bytes, *rest = _HEADER.unpack(raw)
        long_size, long_data, _, _, fmt, fmt_bytes, tag, channels, rate_hz, *sizes, data, data_bytes = rest
        bytes_per_second, block, bits = sizes
        frame = channels * SAMPLE_BYTES
        names = (room, room_bytes, fmt, fmt_bytes, data)
        if names != (_ROOMS[form], _DS64_BYTES, b"fmt ", _FMT.size, b"data") or channels not in (1, 2):
            raise _foreign(name)
        sound = (tag, rate_hz, bytes_per_second, block, bits)
        if sound != (_PCM, RATE_HZ, RATE_HZ * frame, frame, 8 * SAMPLE_BYTES):
            raise _foreign(name)
        if form == b"RF64" and (size, data_bytes) == (_UNKNOWN, _UNKNOWN):
            size, data_bytes = long_size, long_data
        return cls(channels, data_bytes if size == HEADER_BYTES - 8 + data_bytes else None)


def _check_start(raw: bytes, name: str) -> None:
    if not raw:
        raise EmptyRecording(f"{name} is empty (0 bytes).")
    if raw[:4] not in _ROOMS or raw[8:12] not in (b"WAVE", b""):
        raise NotARecording(f"{name} is not a WAV, and offhook's recorder writes nothing else.")
    if len(raw) < HEADER_BYTES:
        raise DamagedHeader(f"{name} ends after {len(raw)} bytes, within its header.")


def _foreign(name: str) -> DamagedHeader:
    return DamagedHeader(f"The header of {name} is damaged, or another program has written it.")
