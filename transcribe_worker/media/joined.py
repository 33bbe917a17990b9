"""Finds where a second recording begins in a file, as after `cat one.m4a two.m4a > both.m4a`.

FFmpeg itself reads on in formats that are streams (FLAC, Ogg, MP3, AAC, AMR). Formats in this table state the
length of each element; one recording ends where the first element of another follows. `riff` does the same
for WAV.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from transcribe_worker.media.formats import MP4_FILLERS

MAX_ELEMENTS = 100_000
#: An FLV has an element for each packet: 2,000,000 are 12 hours of AAC.
MAX_FLV_TAGS = 2_000_000
TTA_HEADER = struct.Struct("<4sHHHIII")
#: Tags may lie between two TTAs.
MAX_TAG_BYTES = 1 << 24
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
EBML_HEADER = b"\x1a\x45\xdf\xa3"
HEAD_BYTES = 32
#: Boxes that may precede the first box of an MP4 and belong to the same recording.
FILLERS = frozenset((*MP4_FILLERS, b"styp"))


class Element(NamedTuple):
    """A box, chunk, object or element at the top of a file."""

    name: bytes
    length: int  # in bytes, with its head; 0: to the end of the file, or unknown


class Structure(NamedTuple):
    """How a format writes its elements, which one begins a recording, and the offset of the first."""

    read: Callable[[bytes], Element]
    begins: bytes
    first_bytes: int = 0
    most: int = MAX_ELEMENTS


def next_start(demuxer: str, file: BinaryIO, start: int, size_bytes: int) -> int | None:
    """Return the offset of the recording after the one at `start`, None if there is none."""
    if demuxer == "tta":
        return _next_tta(file, start, size_bytes)
    structure = STRUCTURES.get(demuxer)
    if structure is None:
        return None
    at, is_open = start + structure.first_bytes, bool(structure.first_bytes)
    for _ in range(structure.most):
        file.seek(at)
        head = file.read(HEAD_BYTES)
        if len(head) < 8:
            return None
        element = structure.read(head.ljust(HEAD_BYTES, b"\0"))
        if is_open and head.startswith(structure.begins, 4 if demuxer == "mov" else 0):
            return at
        is_open = is_open or element.name not in FILLERS
        if element.length <= 0 or (at := at + element.length) >= size_bytes:
            return None
    return None


def has_unnamed_rest(demuxer: str, file: BinaryIO, start: int, size_bytes: int) -> bool:
    """Whether an element is followed by bytes that are no element, as when its length is too short."""
    structure = STRUCTURES[demuxer]
    at = start + structure.first_bytes
    for _ in range(MAX_ELEMENTS):
        if at >= size_bytes:
            return False
        file.seek(at)
        head = file.read(HEAD_BYTES).ljust(HEAD_BYTES, b"\0")
        element = structure.read(head)
        if not all(0x20 <= byte < 0x7F for byte in element.name):
            return True
        if element.length <= 0:
            return False
        at += element.length
    return True


def _box(head: bytes) -> Element:
    """Read a box of MP4 (ISO 14496-12, 4.2)."""
    (short, name), (long,) = struct.unpack(">I4s", head[:8]), struct.unpack(">Q", head[8:16])
    return Element(name, long if short == 1 else short if short >= 8 else 0)


def _form(head: bytes) -> Element:
    """Read the length of a whole AIFF."""
    name, length = struct.unpack(">4sI", head[:8])
    return Element(name, 8 + length + length % 2)


def _caf_chunk(head: bytes) -> Element:
    name, length = struct.unpack(">4sq", head[:12])
    return Element(name, 12 + length if length >= 0 else 0)


def _asf_object(head: bytes) -> Element:
    (length,) = struct.unpack("<Q", head[16:24])
    return Element(head[:16], length if length >= 24 else 0)


def _ebml_element(head: bytes) -> Element:
    """Read an element of Matroska (RFC 8794, 4)."""
    name_bytes = _vint_bytes(head[0])
    size_bytes = _vint_bytes(head[name_bytes])
    raw = head[name_bytes : name_bytes + size_bytes]
    bits = 7 * size_bytes
    length = int.from_bytes(raw) & (1 << bits) - 1
    is_known = length != (1 << bits) - 1
    return Element(head[:name_bytes], name_bytes + size_bytes + length if is_known else 0)


def _flv_tag(head: bytes) -> Element:
    """Read a tag of FLV with the length that follows it (FLV 10.1, annex E.3 and E.4)."""
    return Element(head[:1], 11 + int.from_bytes(head[1:4]) + 4)


def _next_tta(file: BinaryIO, start: int, size_bytes: int) -> int | None:
    """Return the offset of the next TTA. A header of 22 bytes and a table of frame lengths give the end."""
    file.seek(start)
    head = file.read(TTA_HEADER.size)
    if len(head) < TTA_HEADER.size:
        return None
    *_, rate_hz, samples, _ = TTA_HEADER.unpack(head)
    frame_samples = max(256 * rate_hz // 245, 1)
    table_bytes = 4 * -(-samples // frame_samples)
    if start + TTA_HEADER.size + table_bytes + 4 > size_bytes:
        return None
    table = file.read(table_bytes)
    end = (
        start
        + TTA_HEADER.size
        + table_bytes
        + 4
        + sum(length for (length,) in struct.iter_unpack("<I", table))
    )
    if end >= size_bytes:
        return None
    file.seek(end)
    found = file.read(MAX_TAG_BYTES).find(b"TTA1")
    return None if found < 0 else end + found


def _vint_bytes(first: int) -> int:
    return min(9 - first.bit_length(), 8)


STRUCTURES = {
    "mov": Structure(_box, b"ftyp"),
    "aiff": Structure(_form, b"FORM"),
    "caf": Structure(_caf_chunk, b"caff", first_bytes=8),
    "asf": Structure(_asf_object, ASF_HEADER),
    "matroska": Structure(_ebml_element, EBML_HEADER),
    "flv": Structure(_flv_tag, b"FLV\x01", first_bytes=13, most=MAX_FLV_TAGS),
}
