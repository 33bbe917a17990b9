"""Tells by its content whether every common browser plays a recording, at the times of its transcript.

Measured in Chromium: MP3s of a varying bit rate play from a wrong place after a seek, big-endian WAVs play as
noise, and WAVs whose header states too short a length end there. Such recordings are played from a copy, as
are the formats that no browser knows. Firefox and Safari are judged by their documentation (MDN, "Media
container formats"; WebKit's release notes).
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

READ_BYTES = 16_384
WAV, MP3, FLAC, MP4, OGG, WEBM = (
    *("audio/wav", "audio/mpeg", "audio/flac", "audio/mp4", "audio/ogg", "audio/webm"),
)
PCM, A_LAW, MU_LAW, EXTENSIBLE = 1, 6, 7, 0xFFFE
BITS = {PCM: (8, 16, 24), A_LAW: (8,), MU_LAW: (8,)}
#: Chunks after the audio of a WAV, such as a title; more is audio that the header does not count.
MOST_BYTES_AFTER_DATA = 65_536
#: Chunks or boxes of one file that are looked at, on all levels together: a file can be made of nothing else.
MOST_CHUNKS = 1_000
_MP4_TRACK = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
#: What else the sound of an MP4 may be; it needs a copy.
_SOUND = {*b"mp4a alac samr sawb Opus fLaC .mp3 sowt twos in24 in32 fl32 fl64 lpcm ipcm ulaw raw".split()}
#: The tag with which LAME and FFmpeg begin an MP3 of a constant bit rate; "Xing" is one of a varying one.
CONSTANT = b"Info"


def mime_of(file: BinaryIO) -> str | None:
    """Return the type of a recording that browsers play as it is; None if it needs a copy. Raises OSError."""
    file.seek(0)
    head = file.read(READ_BYTES)
    for pattern, check in _KINDS:
        if re.match(pattern, head, re.DOTALL):
            try:
                return check(file, head)
            except (struct.error, ValueError):  # cut off
                return None
    return None


def _wav(file: BinaryIO, _: bytes) -> str | None:
    size_bytes = file.seek(0, os.SEEK_END)
    is_known = False
    for name, at, length in _riff_chunks(file, size_bytes):
        if name == b"fmt ":
            file.seek(at)
            is_known = _is_known_wav(file.read(min(length, 40)))
        if name == b"data":
            after = size_bytes - (at + length)
            return WAV if is_known and length and 0 <= after <= MOST_BYTES_AFTER_DATA else None
    return None


def _riff_chunks(file: BinaryIO, size_bytes: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, offset and length of each chunk."""
    at = 12
    for _ in range(MOST_CHUNKS):
        if at + 8 > size_bytes:
            return
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        yield name, at + 8, length
        at += 8 + length + length % 2


def _is_known_wav(fmt: bytes) -> bool:
    tag, channels, _, _, _, bits = struct.unpack_from("<HHIIHH", fmt)
    if tag == EXTENSIBLE:
        (tag,) = struct.unpack_from("<H", fmt, 24)
    return bits in BITS.get(tag, ()) and channels in (1, 2)


def _flac(file: BinaryIO, head: bytes) -> str:
    return FLAC


def _mp3(file: BinaryIO, head: bytes) -> str | None:
    """Return the type of an MP3 of a constant bit rate; its tag may follow an ID3 tag with a picture."""
    at = 0
    if head.startswith(b"ID3"):
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        at = 10 + size
    file.seek(at)
    frame = file.read(200)
    is_frame = re.match(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", frame)
    return MP3 if is_frame and CONSTANT in frame[4:60] else None


def _mp4(file: BinaryIO, _: bytes) -> str | None:
    """Return the type of an MP4 whose only audio is AAC."""
    size_bytes = file.seek(0, os.SEEK_END)
    codecs = list(_sound_codecs(file, 0, size_bytes, _MP4_TRACK, iter(range(MOST_CHUNKS))))
    return MP4 if codecs == [b"mp4a"] else None


def _sound_codecs(
    file: BinaryIO, start: int, end: int, path: tuple[bytes, ...], left: Iterator[int]
) -> Iterator[bytes]:
    """Yield the codec of each sound track, found in the boxes along a path (ISO 14496-12).

    `left` counts the boxes that may still be looked at.
    """
    for name, at, box_end in _boxes(file, start, end, left):
        if not path and name == b"stsd":
            file.seek(at + 12)
            codec = file.read(4)
            if codec in _SOUND or codec.startswith(b"a"):
                yield codec
        elif path and name == path[0]:
            yield from _sound_codecs(file, at, box_end, path[1:], left)


def _boxes(file: BinaryIO, start: int, end: int, left: Iterator[int]) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, the payload's offset and the end of each box."""
    at = start
    for _ in left:
        if at + 8 > end:
            return
        file.seek(at)
        size, name = struct.unpack(">I4s", file.read(8))
        head_bytes = 8
        if size == 1:
            (size,), head_bytes = struct.unpack(">Q", file.read(8)), 16
        size = size or end - at
        if size < head_bytes:
            return
        yield name, at + head_bytes, min(at + size, end)
        at += size


def _ogg(_: BinaryIO, head: bytes) -> str | None:
    first = head[:128]
    return OGG if b"OpusHead" in first or b"\x01vorbis" in first else None


def _webm(_: BinaryIO, head: bytes) -> str | None:
    is_known = b"\x42\x82\x84webm" in head[:64] and (b"A_OPUS" in head or b"A_VORBIS" in head)
    return WEBM if is_known else None


_KINDS: tuple[tuple[bytes, Callable[[BinaryIO, bytes], str | None]], ...] = (
    (rb"RIFF.{4}WAVE", _wav),
    (rb"fLaC", _flac),
    (rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", _mp3),
    (rb".{4}(ftyp|moov|mdat|free|skip|wide)", _mp4),
    (rb"OggS", _ogg),
    (rb"\x1a\x45\xdf\xa3", _webm),
)
