"""Finds where the audio begins: after ID3v2 and APEv2 tags, and after zeros before MPEG audio."""

from __future__ import annotations

import struct
from typing import BinaryIO

MAX_TAGS = 8
#: Stream dumps may begin with zeros; a file of zeros alone is not read to its end.
MAX_ZEROS = 1 << 20
FEWEST_ZEROS = 16
APE_HAS_HEADER, APE_IS_HEADER = 1 << 31, 1 << 29
APE_HEADER_BYTES = 32


def after_tags(file: BinaryIO) -> int:
    """Return the offset after the leading tags, which players write before any format."""
    start = 0
    for _ in range(MAX_TAGS):
        length = _tag_bytes(file, start)
        if length == 0:
            break
        start += length
    return start


def _tag_bytes(file: BinaryIO, start: int) -> int:
    """Return the bytes of the tag, or of the zeros before MPEG audio, at `start`; 0 if there are none."""
    file.seek(start)
    head = file.read(APE_HEADER_BYTES)
    if head.startswith(b"ID3") and len(head) >= 10:
        return _id3_bytes(head)
    if head.startswith(b"APETAGEX") and len(head) == APE_HEADER_BYTES:
        return _ape_bytes(head)
    if head.startswith(bytes(FEWEST_ZEROS)):
        return _zeros_before_mpeg(file, start)
    return 0


def _id3_bytes(head: bytes) -> int:
    # 7 bits a byte, so that no tag looks like an MPEG frame; flag 0x10 announces a footer (id3.org, 2.4.0).
    size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _ape_bytes(head: bytes) -> int:
    """The stated size counts the footer and not the header (APEv2 specification, tag header)."""
    size, _, flags = struct.unpack_from("<III", head, 12)
    return APE_HEADER_BYTES + int(size) if flags & APE_IS_HEADER and flags & APE_HAS_HEADER else 0


def _zeros_before_mpeg(file: BinaryIO, start: int) -> int:
    file.seek(start)
    head = file.read(MAX_ZEROS + 8)
    rest = head.lstrip(b"\0")
    follows = rest.startswith((b"ID3", b"APETAGEX")) or (rest[:1] == b"\xff" and rest[1:2] >= b"\xe0")
    return len(head) - len(rest) if follows else 0
