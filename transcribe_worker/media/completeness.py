"""Tells whether a file ends before its own structure says that it should.

A stalled copy and a killed recorder leave such files. Each check reads a bounded part of the file and uses
the standard library alone, so that the inbox process loads no native audio library.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from shared.files import open_regular
from transcribe_worker.media import flac_frames, riff

#: How many times longer a file must keep still that has holes or is cut short by its own structure, such
#: as the half of a call that a stalled copy has written so far.
CUT_SHORT_PATIENCE = 15
MAX_BOXES = 10_000
#: The largest Ogg page: 27 bytes, 255 lacing values, 255 segments of 255 bytes (RFC 3533).
OGG_PAGE_BYTES = 27 + 255 + 255 * 255
OGG_LAST_PAGE = 0x04
#: First boxes of an MP4. One written in fragments has its moov first and may end after any fragment.
MP4_FIRST_BOXES = frozenset((b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"uuid", b"pnot"))
EBML = b"\x1a\x45\xdf\xa3"
SEGMENT = b"\x18\x53\x80\x67"
#: The Xing header follows a frame header, up to 32 bytes of side information, and a CRC.
XING_SEARCH_BYTES = 256
XING_HAS_FRAMES, XING_HAS_BYTES = 0x1, 0x2


def is_cut_short(path: Path) -> bool:
    """Whether a file's structure says that the file is longer; False if unknown or unreadable."""
    try:
        with open_regular(path) as file:
            size_bytes = file.seek(0, os.SEEK_END)
            start = _start_of_audio(file)
            file.seek(start)
            check = _check_for(file.read(16))
            return riff.is_cut_short(path) if check is None else check(file, start, size_bytes)
    except (OSError, ValueError, struct.error, OverflowError):
        return False


def _start_of_audio(file: BinaryIO) -> int:
    """Return the number of bytes that ID3v2 tags take at the beginning (id3.org, ID3v2.4.0, section 3.1)."""
    at = 0
    for _ in range(8):
        file.seek(at)
        head = file.read(10)
        if len(head) < 10 or not head.startswith(b"ID3"):
            break
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        at += 10 + size + (10 if head[5] & 0x10 else 0)
    return at


_Check = Callable[[BinaryIO, int, int], bool]


def _check_for(head: bytes) -> _Check | None:
    by_magic: dict[bytes, _Check] = {
        b"fLaC": flac_frames.is_cut_short,
        b"OggS": _ogg_is_cut_short,
        EBML: _matroska_is_cut_short,
    }
    if head[4:8] in MP4_FIRST_BOXES:
        return _mp4_is_cut_short
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return _mp3_is_cut_short
    return by_magic.get(head[:4])


def _mp4_is_cut_short(file: BinaryIO, start: int, size_bytes: int) -> bool:
    """Whether a top-level box ends after the file, or no moov box was found (ISO 14496-12, section 4.2)."""
    at, names = start, set()
    for _ in range(MAX_BOXES):
        if size_bytes - at < 8:
            break
        file.seek(at)
        head = file.read(16)
        size, name = struct.unpack(">I4s", head[:8])
        if not all(0x20 <= byte < 0x7F for byte in name):
            break  # bytes after the last box
        names.add(name)
        if size == 1:
            if len(head) < 16:
                return True
            (size,) = struct.unpack(">Q", head[8:])
        if size == 0:  # the box extends to the end of the file
            break
        if size < 8:
            return False
        at += size
        if at > size_bytes:
            return True
    return b"moov" not in names


def _ogg_is_cut_short(file: BinaryIO, start: int, size_bytes: int) -> bool:
    """Whether the last page ends after the file or does not end its stream (RFC 3533, section 6)."""
    file.seek(max(start, size_bytes - 2 * OGG_PAGE_BYTES))
    tail = file.read(2 * OGG_PAGE_BYTES)
    at = tail.rfind(b"OggS\0")
    if at < 0:
        return False
    head = tail[at : at + 27]
    if len(head) < 27:
        return True
    lacing = tail[at + 27 : at + 27 + head[26]]
    if len(lacing) < head[26] or at + 27 + head[26] + sum(lacing) > len(tail):
        return True
    return not head[5] & OGG_LAST_PAGE


def _matroska_is_cut_short(file: BinaryIO, start: int, size_bytes: int) -> bool:
    """Whether a segment of known size ends after the file (RFC 8794, section 4)."""
    file.seek(start + len(EBML))
    header = _ebml_size(file)
    if header is None:
        return False
    file.seek(header, os.SEEK_CUR)
    if file.read(4) != SEGMENT:
        return False
    segment = _ebml_size(file)
    return segment is not None and file.tell() + segment > size_bytes


def _ebml_size(file: BinaryIO) -> int | None:
    """Read the size of an element; None if it is unknown (all bits set) or cut off."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        return None
    size = int.from_bytes(first + rest) & ((1 << 7 * length) - 1)
    return None if size == (1 << 7 * length) - 1 else size


def _mp3_is_cut_short(file: BinaryIO, start: int, size_bytes: int) -> bool:
    """Whether the Xing or Info header counts more bytes than the file has from its frame on."""
    file.seek(start)
    frame = file.read(XING_SEARCH_BYTES)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0:
        return False
    (flags,) = struct.unpack_from(">I", frame, at + 4)
    if not flags & XING_HAS_BYTES:
        return False
    (count,) = struct.unpack_from(">I", frame, at + (12 if flags & XING_HAS_FRAMES else 8))
    return bool(count > size_bytes - start)
