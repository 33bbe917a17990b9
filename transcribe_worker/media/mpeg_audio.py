"""Recognizes consecutive frames of MPEG audio (layers II and III)."""

from __future__ import annotations

import re
from typing import BinaryIO

#: The most bytes before the first whole frame; players skip them too.
MAX_JUNK_BYTES = 4_096
#: The first frames are searched in this many bytes.
HEAD_BYTES = 16_384
# Bit rates of MPEG-1 layers II and III; key 0: of MPEG-2.
MPEG_KBPS = {
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    0: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
FRAMES_IN_A_ROW = 3


def is_mp3(head: bytes) -> bool:
    """Whether there are three frames in a row (or as many as fit), perhaps after a partial one."""
    syncs = re.finditer(rb"\xff[\xe2-\xff]", head[:MAX_JUNK_BYTES])
    return any(_begins_with_frames(head, sync.start()) for sync in syncs)


def begins_late(file: BinaryIO, start: int) -> bool:
    """Whether a leading tag's length covers a part of the MP3's frames."""
    tail_bytes = min(start, MAX_JUNK_BYTES)
    file.seek(start - tail_bytes)
    tail, head = file.read(tail_bytes), file.read(HEAD_BYTES)
    padding = len(head) - len(head.lstrip(b"\0"))
    return not _begins_with_frames(head, padding) or _ends_with_frames(tail)


def _ends_with_frames(tail: bytes, count: int = FRAMES_IN_A_ROW) -> bool:
    """Whether `count` frames in a row end where `tail` ends."""
    if count == 0:
        return True
    syncs = (sync.start() for sync in re.finditer(rb"\xff[\xe0-\xff]", tail))
    return any(
        frame_bytes(tail[at : at + 8]) == len(tail) - at and _ends_with_frames(tail[:at], count - 1)
        for at in syncs
    )


def frame_bytes(head: bytes) -> int:
    """Return the bytes of the layer II or III frame that begins here, else 0 (ISO 11172-3, 2.4.2.3)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer not in (2, 3) or bitrate in (0, 15) or rate == 3:
        return 0
    kbps = MPEG_KBPS[layer if version == 3 else 0][bitrate - 1]
    rate_hz = (44_100, 48_000, 32_000)[rate] // {3: 1, 2: 2, 0: 4}[version]
    return (72 if version != 3 and layer == 3 else 144) * kbps * 1_000 // rate_hz + padding


def _begins_with_frames(head: bytes, position: int) -> bool:
    for _ in range(FRAMES_IN_A_ROW):
        length = frame_bytes(head[position : position + 4])
        if length == 0:
            return False
        position += length
        if position >= len(head):
            return True
    return True
