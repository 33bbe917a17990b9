"""Counts the samples that the boxes of an MP4 claim, before FFmpeg indexes them (ISO 14496-12).

FFmpeg takes about 36 bytes of memory for each sample. A table of equal samples states only their count, and
an edit may repeat a whole track, so a small file can claim any number. The claim must fit the file's size.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from shared.errors import DamagedHeader

#: Boxes that contain other boxes, as FFmpeg reads them.
CONTAINERS = {
    b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"udta", b"moof", b"traf", b"mvex", b"tref"
}  # fmt: skip
MAX_DEPTH = 12
MAX_BOXES = 2_000_000
#: Always allowed: FFmpeg takes about 144 MB for them. A day of AMR has this many.
HARMLESS_SAMPLES = 4_320_000
#: A day of samples of 5 ms: 620 MB.
MOST_SAMPLES = 17_280_000
#: A track has one edit for its beginning and one for its sound. Each further edit may repeat the track.
ORDINARY_EDITS = 2
LARGEST_HEADER_BYTES = 64_000_000
LARGEST_TABLE_BYTES = 1_000_000
#: In these codecs a sample is an audio frame; FFmpeg's index has an entry for each SAMPLES_PER_ENTRY.
PCM_CODECS = set(b"sowt twos in24 in32 fl32 fl64 lpcm ipcm fpcm alaw ulaw NONE".split()) | {b"raw "}
SAMPLES_PER_ENTRY = 1_024
#: For each of these flags a trun box has four bytes in every sample.
SAMPLE_FIELDS = (0x100, 0x200, 0x400, 0x800)


@dataclass
class _Track:
    """What the boxes of one track claim. Listed samples have bytes of their own in the header."""

    counted_samples: int = 0
    listed_samples: int = 0
    edits: int = 0
    chunks: int = 0
    samples_per_chunk: int = 0
    codec: bytes = b""
    is_even: bool = False  # each sample lasts one tick

    @property
    def index_entries(self) -> int:
        """The most entries in FFmpeg's index that the file has no bytes for."""
        counted = self.counted_samples
        if self.is_even and self.codec in PCM_CODECS:  # FFmpeg indexes their chunks
            counted = self.chunks * -(-self.samples_per_chunk // SAMPLES_PER_ENTRY)
        return counted if self.edits <= ORDINARY_EDITS else (counted + self.listed_samples) * self.edits


class _Claims:
    """The claims of all boxes so far; a box outside a track counts for the last track."""

    def __init__(self) -> None:
        self.boxes = 0
        self.tracks = [_Track()]


def check_claims(file: BinaryIO, start: int, size_bytes: int, name: str) -> None:
    """Raise DamagedHeader for an MP4 that claims more samples than its size allows."""
    claims = _Claims()
    _walk(file, start, size_bytes, claims, 0)
    most = min(MOST_SAMPLES, max(HARMLESS_SAMPLES, size_bytes - start))
    claimed = sum(track.index_entries for track in claims.tracks)
    if claimed > most:
        raise DamagedHeader(
            f"The header of {name} is damaged: it claims {claimed:,} samples in {size_bytes:,} bytes."
        )


def _walk(file: BinaryIO, start: int, end: int, claims: _Claims, depth: int) -> None:
    for name, at, box_end in _boxes(file, start, end):
        claims.boxes += 1
        if claims.boxes > MAX_BOXES or depth > MAX_DEPTH:
            raise DamagedHeader("The header of the file is damaged: it has too many or too deep boxes.")
        if name == b"trak":
            claims.tracks.append(_Track())
        if name in CONTAINERS:
            _walk(file, at, box_end, claims, depth + 1)
        elif name == b"meta":  # a full box in MP4, a plain one in QuickTime
            _walk(file, at, box_end, claims, depth + 1)
            _walk(file, at + 4, box_end, claims, depth + 1)
        elif name == b"cmov":
            _walk_compressed(file, at, box_end, claims, depth)
        elif name in COUNTS:
            file.seek(at)
            payload = file.read(min(box_end - at, LARGEST_TABLE_BYTES)).ljust(16, b"\0")
            COUNTS[name](payload, box_end - at, claims.tracks[-1])


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, the payload's offset and the end of each box."""
    at = start
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        size, name = struct.unpack(">I4s", head[:8])
        head_bytes = 8
        if size == 1 and len(head) == 16:
            (size,), head_bytes = struct.unpack(">Q", head[8:]), 16
        size = size or end - at
        if size < head_bytes:
            return
        yield name, at + head_bytes, min(at + size, end)
        at += size


def _walk_compressed(file: BinaryIO, at: int, end: int, claims: _Claims, depth: int) -> None:
    """Walk a header that QuickTime compressed with zlib."""
    for name, payload, box_end in _boxes(file, at, end):
        if name == b"cmvd":
            file.seek(payload + 4)
            packed = file.read(min(box_end - payload - 4, LARGEST_HEADER_BYTES))
            try:
                header = zlib.decompressobj().decompress(packed, LARGEST_HEADER_BYTES)
            except zlib.error as error:
                raise DamagedHeader from error
            _walk(BytesIO(header), 0, len(header), claims, depth + 1)


def _count_stsz(payload: bytes, box_bytes: int, track: _Track) -> None:
    size, count = struct.unpack(">II", payload[4:12])
    if size:
        track.counted_samples += count
    else:
        track.listed_samples += min(count, box_bytes // 4)


def _count_trun(payload: bytes, box_bytes: int, track: _Track) -> None:
    flags, count = struct.unpack(">II", payload[:8])
    sample_bytes = 4 * sum(bool(flags & each) for each in SAMPLE_FIELDS)
    if not sample_bytes or count * sample_bytes > box_bytes:
        track.counted_samples += count
    else:
        track.listed_samples += count


def _count_elst(payload: bytes, _: int, track: _Track) -> None:
    (track.edits,) = struct.unpack(">I", payload[4:8])


def _count_chunks(payload: bytes, box_bytes: int, track: _Track) -> None:
    (count,) = struct.unpack(">I", payload[4:8])
    track.chunks = max(track.chunks, min(count, box_bytes // 4))


def _count_per_chunk(payload: bytes, _: int, track: _Track) -> None:
    entries = struct.iter_unpack(">III", payload[8 : 8 + (len(payload) - 8) // 12 * 12])
    track.samples_per_chunk = max((samples for _, samples, _ in entries), default=0)


def _note_times(payload: bytes, _: int, track: _Track) -> None:
    count, _, ticks = struct.unpack(">III", payload[4:16])
    track.is_even = count == ticks == 1


def _note_codec(payload: bytes, _: int, track: _Track) -> None:
    track.codec = payload[12:16] if not track.codec else b"several"


COUNTS = {
    b"stsz": _count_stsz,
    b"trun": _count_trun,
    b"elst": _count_elst,
    b"stco": _count_chunks,
    b"co64": _count_chunks,
    b"stsc": _count_per_chunk,
    b"stts": _note_times,
    b"stsd": _note_codec,
}
