"""An MP4 that claims more samples than its bytes can be is refused before FFmpeg makes an index of them."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from shared.errors import DamagedHeader
from tests.muxing import Sound, tracks
from tests.recordings import encoded, tones
from transcribe_worker.media.boxes import check_claims
from transcribe_worker.media.recording import open_recording

ROOT = Path(__file__).parents[2]
#: As many as FFmpeg can make an index of: 2 GB.
LIE = 85_000_000


def box(name: bytes, *payload: bytes) -> bytes:
    body = b"".join(payload)
    return struct.pack(">I4s", 8 + len(body), name) + body


def full(name: bytes, *payload: bytes) -> bytes:
    """A box with version and flags 0."""
    return box(name, bytes(4), *payload)


def numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def track(
    samples: int,
    *,
    codec: bytes = b"samr",
    ticks: int = 160,
    edits: int = 1,
    chunks: int = 1,
    per_chunk: int = 0,
) -> bytes:
    """A track of samples of one byte each, of which nothing need be there."""
    entry = box(codec, bytes(6), b"\0\1", bytes(8), struct.pack(">HHHHI", 1, 16, 0, 0, 8_000 << 16))
    table = box(
        b"stbl",
        full(b"stsd", numbers(1), entry),
        full(b"stts", numbers(1, samples, ticks)),
        full(b"stsc", numbers(1, 1, per_chunk or samples // chunks, 1)),
        full(b"stsz", numbers(1, samples)),
        full(b"stco", numbers(chunks, *[40] * chunks)),
    )
    media = box(
        b"mdia",
        full(b"mdhd", numbers(0, 0, 8_000, 16_000, 0)),
        full(b"hdlr", bytes(4), b"soun", bytes(13)),
        box(b"minf", full(b"smhd", bytes(4)), table),
    )
    edit = struct.pack(">IIHH", 0x7FFFFF, 0, 1, 0)
    head = full(b"tkhd", numbers(0, 0, 1, 0, 16_000), bytes(60))
    return box(b"trak", head, box(b"edts", full(b"elst", numbers(edits), edit * edits)), media)


def mp4(*parts: bytes) -> bytes:
    head = full(b"mvhd", numbers(0, 0, 1_000, 2_000), bytes(80))
    return box(b"ftyp", b"isom", bytes(4), b"isom") + box(b"mdat", bytes(60_000)) + box(b"moov", head, *parts)


def compressed(content: bytes) -> bytes:
    """The same with a header that is compressed, as QuickTime did."""
    at = content.index(b"moov") - 4
    packed = zlib.compress(content[at:])
    inner = box(b"dcom", b"zlib") + box(b"cmvd", numbers(len(content) - at), packed)
    return content[:at] + box(b"moov", box(b"cmov", inner))


def fragment(count: int) -> bytes:
    return box(b"moof", box(b"traf", box(b"trun", numbers(0, count))))


def check(content: bytes) -> None:
    check_claims(io.BytesIO(content), 0, len(content), "call.mp4")


def refusal(content: bytes) -> str | None:
    try:
        check(content)
    except DamagedHeader as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "content",
    [
        mp4(track(LIE)),
        mp4(*[track(600_000)] * 60),
        mp4(track(LIE, codec=b"sowt", ticks=2)),
        mp4(track(2**31, codec=b"sowt", ticks=1, chunks=100, per_chunk=2**31)),
        mp4(track(50_000, edits=900)),
        compressed(mp4(track(LIE))),
        mp4(track(100)) + fragment(LIE),
        mp4(track(100)) + fragment(900_000) * 20,
        mp4(box(b"udta", track(LIE))),
        mp4(box(b"udta", full(b"meta", track(LIE)))),
    ],
    ids=[
        "samples",
        "many tracks",
        "PCM of two ticks",
        "chunks",
        "edits",
        "compressed header",
        "fragment",
        "many fragments",
        "in user data",
        "in metadata",
    ],
)
def test_more_samples_than_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(DamagedHeader, match=r"The header of call\.mp4 is damaged: it claims .* samples in"):
        check(content)


@pytest.mark.parametrize(
    "content",
    [
        encoded("mov", "pcm_s16le", 48_000, "stereo", 2.0),
        encoded("ipod", "aac", 44_100, seconds=2.0),
        encoded("3gp", "libopencore_amrnb", 8_000, seconds=2.0),
        tracks([[Sound(0, tones(16_000))], [Sound(0, tones(16_000))]], "mov"),
        mp4(track(48_000 * 3_600 * 12, codec=b"sowt", ticks=1, chunks=12 * 3_600)),
        mp4(track(900_000)),
        b"\0" * 100,
        b"",
    ],
    ids=["PCM", "AAC", "AMR", "two tracks", "12 hours of PCM, cut off", "few", "zeros", "nothing"],
)
def test_ordinary_headers_pass(content: bytes) -> None:
    assert refusal(content) is None


def test_boxes_within_boxes_without_end_are_refused() -> None:
    content = box(b"moov")
    for _ in range(1_000):
        content = box(b"moov", content)
    with pytest.raises(DamagedHeader):
        check(content)


PEAK = """
import resource, sys
from pathlib import Path
from shared.errors import DamagedHeader
from transcribe_worker.media.recording import open_recording
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
try:
    open_recording(Path(sys.argv[1]))
except DamagedHeader:
    print("refused", (peak() - before) // 1024)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage")
def test_a_small_mp4_that_claims_millions_of_samples_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "call.mp4"
    path.write_bytes(mp4(track(LIE)))
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, path], cwd=ROOT, text=True, capture_output=True, check=True
    )
    refused, mebibytes = ran.stdout.split()
    assert refused == "refused"
    assert int(mebibytes) < 50


def test_a_long_quicktime_of_pcm_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "call.mov"
    path.write_bytes(encoded("mov", "pcm_s16le", 48_000, "mono", 25.0))
    with open_recording(path) as recording:
        assert sum(len(block) for block in recording.blocks()) == 25 * 16_000
