"""What a file is, by its first bytes: one table, so that nothing is ever guessed from a name.

Each kind that can be listened to names the one FFmpeg demuxer that may read it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import BinaryIO, Literal, NamedTuple

from shared.errors import NotARecording

SNIFFED_BYTES = 16_384
MAX_JUNK_BYTES = 4_096
MAX_TAGS = 8
MAX_CAF_CHUNKS = 1_000
# Bit rates of MPEG-1 layer II and III, and under 0 those of MPEG-2.
MPEG_KBPS = {
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    0: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def _begins(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(pattern, re.DOTALL | re.IGNORECASE)
    return lambda head: compiled.match(head) is not None


def _is_mp3(head: bytes) -> bool:
    """Whether three MPEG frames (or all there are) are in a row, perhaps behind the rest of a cut one."""
    syncs = re.finditer(rb"\xff[\xe2-\xff]", head[:MAX_JUNK_BYTES])
    return any(_is_mp3_chain(head, sync.start()) for sync in syncs)


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    # The last character may be cut in the middle, so up to three bytes of it are forgiven.
    text = head.decode("utf-8", "replace")
    return "\ufffd" not in text[:-3] and not re.search(r"[\x00-\x08\x0e-\x1a]", text)


class Kind(NamedTuple):
    """What a file may be; `demuxer` is FFmpeg's name for it, None if it is nothing to listen to.

    `states_length`: its header says exactly how long it is, so what is cut off can be told. `stamps`: its
    time stamps are "absolute", "relative" to the first, or "counted" samples without a gap; "" for none.
    """

    name: str
    demuxer: str | None
    matches: Callable[[bytes], bool]
    states_length: bool = False
    stamps: Literal["", "absolute", "relative", "counted"] = ""


TEXT_START = rb"(\xef\xbb\xbf)?\s*"
WAV = Kind("WAV", "wav", _begins(rb"(RIF[FX]|RF64|BW64).{4}WAVE|riff\x2e\x91\xcf\x11"))
MP3 = Kind("MP3", "mp3", _is_mp3)
CAF = Kind("CAF", "caf", _begins(rb"caff"))
KINDS = (
    WAV,
    Kind("FLAC", "flac", _begins(rb"fLaC"), states_length=True, stamps="counted"),
    Kind("Ogg", "ogg", _begins(rb"OggS"), stamps="relative"),
    Kind(
        "Matroska/WebM",
        "matroska",
        _begins(rb"\x1a\x45\xdf\xa3"),
        states_length=True,
        stamps="absolute",
    ),
    Kind("a HEIC or AVIF picture", None, _begins(rb".{4}ftyp(heic|heix|mif1|msf1|avif)")),
    Kind(
        "MP4/M4A/MOV/3GP",
        "mov",
        _begins(rb".{4}(ftyp|moov|mdat|wide)"),
        states_length=True,
        stamps="absolute",
    ),
    Kind("AIFF", "aiff", _begins(rb"FORM.{4}AIF[FC]"), states_length=True),
    CAF,
    Kind("AMR", "amr", _begins(rb"#!AMR")),
    Kind("WMA", "asf", _begins(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), stamps="absolute"),
    Kind("a PNG picture", None, _begins(rb"\x89PNG")),
    Kind("a JPEG picture", None, _begins(rb"\xff\xd8\xff")),
    Kind("a GIF picture", None, _begins(rb"GIF8")),
    Kind("a WebP picture", None, _begins(rb"RIFF.{4}WEBP")),
    Kind("an AVI video", None, _begins(rb"RIFF.{4}AVI ")),
    Kind("a PDF document", None, _begins(rb"%PDF")),
    Kind("a ZIP archive or an office document", None, _begins(rb"PK(\x03\x04|\x05\x06)")),
    Kind("an archive", None, _begins(rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ")),
    Kind("a program", None, _begins(rb"MZ.{62}|\x7fELF")),
    Kind("a database", None, _begins(rb"SQLite format 3")),
    Kind(
        "a playlist or script", None, _begins(TEXT_START + rb"(ffconcat|#EXT|#!|v=0\s|\[playlist|<smil|<asx)")
    ),
    Kind("a web page (HTML)", None, _begins(TEXT_START + rb"<(!doctype )?html")),
    Kind("text", None, _is_text),
    Kind("AAC", "aac", _begins(rb"\xff[\xf0\xf1\xf8\xf9]")),
    MP3,
    Kind("data of an unknown kind", None, lambda _: True),
)
READABLE = ", ".join(kind.name for kind in KINDS if kind.demuxer)


def behind_tags(file: BinaryIO) -> int:
    """Where the file begins behind its ID3v2 tags, which players write before formats of any kind."""
    start = 0
    for _ in range(MAX_TAGS):
        file.seek(start)
        head = file.read(10)
        if not (head.startswith(b"ID3") and len(head) == 10):
            break
        # 7 bits a byte, so that no tag looks like an MPEG frame; flag 0x10 announces a footer.
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        start += 10 + size + (10 if head[5] & 0x10 else 0)
    return start


def sniff(file: BinaryIO, start: int, name: str) -> Kind:
    """Tell what begins at `start`. Raises NotARecording for what is nothing to listen to."""
    file.seek(start)
    head = file.read(SNIFFED_BYTES)
    kind = next(kind for kind in KINDS if kind.matches(head))
    if kind.demuxer is None:
        raise NotARecording(f"{name} seems to be {kind.name}, not a recording. offhook reads {READABLE}.")
    return kind


def begins_late(file: BinaryIO, start: int) -> bool:
    """Whether a tag claims a part of the MP3, which then begins within a frame or goes on from others."""
    tail_bytes = min(start, MAX_JUNK_BYTES)
    file.seek(start - tail_bytes)
    tail, head = file.read(tail_bytes), file.read(SNIFFED_BYTES)
    padding = len(head) - len(head.lstrip(b"\0"))
    return not _is_mp3_chain(head, padding) or _ends_with_frames(tail, 3)


def _ends_with_frames(tail: bytes, count: int) -> bool:
    """Whether so many MPEG frames in a row end where these bytes do."""
    if count == 0:
        return True
    syncs = (sync.start() for sync in re.finditer(rb"\xff[\xe2-\xff]", tail))
    return any(
        _mp3_frame_bytes(tail[at : at + 4]) == len(tail) - at and _ends_with_frames(tail[:at], count - 1)
        for at in syncs
    )


def caf_is_cut_short(file: BinaryIO, start: int, size_bytes: int) -> bool:
    """Whether a CAF ends before its data chunk does, which FFmpeg takes for its length in silence."""
    position = start + 8
    for _ in range(MAX_CAF_CHUNKS):
        file.seek(position)
        head = file.read(12)
        if len(head) < 12:
            return False
        name, length = struct.unpack(">4sq", head)
        position += 12
        if name == b"data":  # -1: up to the end, wherever it is
            return bool(length > size_bytes - position)
        position += max(length, 0)
    return False


def _is_mp3_chain(head: bytes, position: int) -> bool:
    for _ in range(3):
        length = _mp3_frame_bytes(head[position : position + 4])
        if length == 0:
            return False
        position += length
        if position >= len(head):
            return True
    return True


def _mp3_frame_bytes(head: bytes) -> int:
    """Length of the layer II or III frame that begins here, 0 if none does (ISO 11172-3, 2.4.2.3)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer not in (2, 3) or bitrate in (0, 15) or rate == 3:
        return 0
    kbps = MPEG_KBPS[layer if version == 3 else 0][bitrate - 1]
    rate_hz = (44_100, 48_000, 32_000)[rate] // {3: 1, 2: 2, 0: 4}[version]
    return (72 if version != 3 and layer == 3 else 144) * kbps * 1_000 // rate_hz + padding
