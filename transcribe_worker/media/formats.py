"""Recognizes a file's format by its first bytes, from one table; names are never consulted.

Each kind that can be decoded names the one FFmpeg demuxer that may read it. A demuxer joins the table only
if it opens nothing but the file it is given: no playlists, scripts or sidecar files.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import BinaryIO, Literal, NamedTuple

from shared.errors import NotARecording
from transcribe_worker.media.mpeg_audio import is_mp3

SNIFFED_BYTES = 16_384
MAX_CAF_CHUNKS = 1_000
#: Boxes that identify an MP4, and those that may precede them (ISO 14496-12; QuickTime's wide, pnot).
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"styp", b"moof")
MP4_FILLERS = (b"free", b"skip", b"uuid", b"wide", b"pnot", b"sidx", b"emsg", b"prft")
#: Offset and size of MPEG-TS packets: plain, with time codes (.m2ts), with parity.
TS_PACKETS = ((0, 188), (4, 192), (0, 204))
TS_PACKETS_IN_A_ROW = 4


def _begins(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(pattern, re.DOTALL | re.IGNORECASE)
    return lambda head: compiled.match(head) is not None


def _is_mp4(head: bytes) -> bool:
    """Whether the first box after fillers is one of an MP4; a filler longer than `head` counts as one."""
    position = 0
    while position + 8 <= len(head):
        size, name = struct.unpack_from(">I4s", head, position)
        if name in MP4_BOXES:
            return True
        if name not in MP4_FILLERS:
            return False
        if size == 1 and position + 16 <= len(head):
            (size,) = struct.unpack_from(">Q", head, position + 8)
        if size < 8:
            return False
        position += size
    return position > len(head)


def _is_mpeg_ts(head: bytes) -> bool:
    """Whether the sync byte is at the beginning of the first packets."""
    return any(
        head[first : first + TS_PACKETS_IN_A_ROW * length : length] == b"G" * TS_PACKETS_IN_A_ROW
        for first, length in TS_PACKETS
    )


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    # Up to three bytes of the last character may be missing from `head`.
    text = head.decode("utf-8", "replace")
    return "\ufffd" not in text[:-3] and not re.search(r"[\x00-\x08\x0e-\x1a]", text)


class Kind(NamedTuple):
    """A kind of file; `demuxer` is FFmpeg's name for it, None if offhook does not decode it.

    `states_length`: its header says exactly how long it is, which shows that an end is missing. `stamps`: its
    time stamps are "absolute", "relative" to the first, of a "shared" clock that may have started long before
    the tracks, or "counted" samples without a gap; "" for none.
    """

    name: str
    demuxer: str | None
    matches: Callable[[bytes], bool]
    states_length: bool = False
    stamps: Literal["", "absolute", "relative", "shared", "counted"] = ""


TEXT_START = rb"(\xef\xbb\xbf)?\s*"
WAV = Kind("WAV", "wav", _begins(rb"(RIF[FX]|RF64|BW64).{4}WAVE|riff\x2e\x91\xcf\x11"))
MP3 = Kind("MP3", "mp3", is_mp3)
CAF = Kind("CAF", "caf", _begins(rb"caff"))
#: Formats of recordings that offhook refuses; the error names the format and says to convert it.
UNREAD_RECORDINGS = (
    ("a dictation in DSS or DS2", rb"[\x02\x03\x07]ds[s2]"),
    ("Monkey's Audio", rb"MAC[ F].[\x0e\x0f]"),
    ("Musepack", rb"MPCK|MP\+[\x07\x17\x27]"),
    ("RealAudio or RealMedia", rb"\.RMF|\.ra\xfd"),
    ("a Creative Voice file", rb"Creative Voice File\x1a"),
    ("a DSD recording", rb"DSD \x1c\0|FRM8.{8}DSD "),
    ("a QCP recording", rb"RIFF.{4}QLCM"),
    ("a MIDI file", rb"MThd\0"),
    ("AC-3", rb"\x0b\x77"),
    ("DTS", rb"\x7f\xfe\x80\x01"),
)
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
    Kind("MP4/M4A/MOV/3GP", "mov", _is_mp4, states_length=True, stamps="absolute"),
    Kind("AIFF", "aiff", _begins(rb"FORM.{4}AIF[FC]"), states_length=True),
    CAF,
    Kind("AMR", "amr", _begins(rb"#!AMR")),
    Kind("WMA", "asf", _begins(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), stamps="absolute"),
    Kind("AVI", "avi", _begins(rb"RIFF.{4}AVI ")),
    Kind("FLV", "flv", _begins(rb"FLV\x01"), stamps="absolute"),
    Kind("AU", "au", _begins(rb"\.snd\0"), states_length=True),
    Kind("WavPack", "wv", _begins(rb"wvpk"), states_length=True, stamps="counted"),
    Kind("TTA", "tta", _begins(rb"TTA1"), states_length=True, stamps="counted"),
    Kind("MPEG-PS", "mpeg", _begins(rb"\0\0\x01\xba"), stamps="shared"),
    *(Kind(name, None, _begins(pattern)) for name, pattern in UNREAD_RECORDINGS),
    Kind("a PNG picture", None, _begins(rb"\x89PNG")),
    Kind("a JPEG picture", None, _begins(rb"\xff\xd8\xff")),
    Kind("a GIF picture", None, _begins(rb"GIF8")),
    Kind("a WebP picture", None, _begins(rb"RIFF.{4}WEBP")),
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
    Kind("MPEG-TS", "mpegts", _is_mpeg_ts, stamps="shared"),
    Kind("AAC", "aac", _begins(rb"\xff[\xf0\xf1\xf8\xf9]")),
    MP3,
    Kind("data of an unknown kind", None, lambda _: True),
)
READABLE = ", ".join(kind.name for kind in KINDS if kind.demuxer)


def sniff(file: BinaryIO, start: int, name: str) -> Kind:
    """Return the kind of what begins at `start`. Raises NotARecording if offhook cannot decode it."""
    file.seek(start)
    head = file.read(SNIFFED_BYTES)
    kind = next(kind for kind in KINDS if kind.matches(head))
    if any(kind.name == unread for unread, _ in UNREAD_RECORDINGS):
        raise NotARecording(f"{name} is {kind.name}. Convert it to WAV. offhook reads {READABLE}.")
    if kind.demuxer is None:
        raise NotARecording(f"{name} seems to be {kind.name}, not a recording. offhook reads {READABLE}.")
    return kind


def caf_is_cut_short(file: BinaryIO, start: int, size_bytes: int) -> bool:
    """Whether a CAF ends before its data chunk does; FFmpeg does not report it."""
    position = start + 8
    for _ in range(MAX_CAF_CHUNKS):
        file.seek(position)
        head = file.read(12)
        if len(head) < 12:
            return False
        name, length = struct.unpack(">4sq", head)
        position += 12
        if name == b"data":  # -1: to the end of the file
            return bool(length > size_bytes - position)
        position += max(length, 0)
    return False
