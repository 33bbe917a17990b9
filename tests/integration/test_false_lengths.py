"""A header that states a false length loses no sound and refuses no recording; a lost end is flagged."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.errors import TooLong
from tests.recordings import encoded
from transcribe_worker.media.limits import RecordingLimits
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, open_recording

SECONDS = 6.0
RATE_HZ = 16_000


def patched(content: bytes, tag: bytes, offset: int, field: bytes) -> bytes:
    at = content.index(tag) + offset
    return content[:at] + field + content[at + len(field) :]


def flac(samples: int) -> bytes:
    content = encoded("flac", "flac", RATE_HZ, seconds=SECONDS)
    fields = int.from_bytes(content[18:26])
    return content[:18] + (fields >> 36 << 36 | samples).to_bytes(8) + content[26:]


def matroska(milliseconds: float) -> bytes:
    return patched(
        encoded("matroska", "libopus", 48_000, seconds=SECONDS),
        b"\x44\x89\x88",
        3,
        struct.pack(">d", milliseconds),
    )


def m4a(box: bytes, ticks: int) -> bytes:
    return patched(encoded("ipod", "aac", RATE_HZ, seconds=SECONDS), box, 20, struct.pack(">I", ticks))


def aiff(frames: int) -> bytes:
    content = encoded("aiff", "pcm_s16be", RATE_HZ, seconds=SECONDS)
    return patched(content, b"COMM", 10, struct.pack(">I", frames))


def caf(data_bytes: int) -> bytes:
    content = encoded("caf", "pcm_s16le", RATE_HZ, seconds=SECONDS)
    return patched(content, b"data", 4, struct.pack(">q", data_bytes))


def wma(ticks: int) -> bytes:
    properties = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
    return patched(encoded("asf", "wmav2", 44_100, seconds=SECONDS), properties, 64, struct.pack("<Q", ticks))


def mp3(frames: int) -> bytes:
    return patched(
        encoded("mp3", "libmp3lame", 44_100, seconds=SECONDS), b"Info", 8, struct.pack(">I", frames)
    )


def decode(
    folder: Path, content: bytes, limits: RecordingLimits | None = None
) -> tuple[NDArray[np.float32], tuple[str, ...], float | None]:
    path = folder / "call"
    path.write_bytes(content)
    with open_recording(path, limits or RecordingLimits()) as recording:
        blocks = list(recording.blocks())
        return np.concatenate(blocks), recording.flags, recording.duration_seconds


FALSE = {
    "flac 0": flac(0),
    "flac shorter": flac(RATE_HZ),
    "flac much longer": flac(2**36 - 1),
    "matroska 0": matroska(0.0),
    "matroska negative": matroska(-5.0),
    "matroska shorter": matroska(1_000.0),
    "matroska much longer": matroska(1e9),
    "matroska absurd": matroska(1e300),
    "matroska not a number": matroska(float("nan")),
    "matroska infinite": matroska(float("inf")),
    "m4a movie 0": m4a(b"mvhd", 0),
    "m4a track 0": m4a(b"mdhd", 0),
    "m4a track shorter": m4a(b"mdhd", RATE_HZ),
    "m4a track longer": m4a(b"mdhd", 2**32 - 1),
    "aiff 0": aiff(0),
    "aiff shorter": aiff(RATE_HZ),
    "aiff longer": aiff(10**9),
    "caf unknown": caf(-1),
    "caf longer": caf(10**12),
    "caf shorter": caf(4 + 2 * RATE_HZ),
    "wma 0": wma(0),
    "wma shorter": wma(10_000_000),
    "wma much longer": wma(2**63 - 1),
    "mp3 0": mp3(0),
    "mp3 shorter": mp3(1),
    "mp3 much longer": mp3(2**32 - 1),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_false_length_loses_no_sound_in_silence(tmp_path: Path, name: str) -> None:
    audio, flags, duration = decode(tmp_path, FALSE[name])
    if "damaged_audio" not in flags:
        assert len(audio) == pytest.approx(SECONDS * SAMPLE_RATE_HZ, abs=2_000)
    assert duration is None or 0 < duration < float("inf")


@pytest.mark.parametrize("content", [flac(RATE_HZ * 60), matroska(60_000.0)], ids=["flac", "matroska"])
def test_a_claim_over_the_limit_that_is_not_true_refuses_nothing(tmp_path: Path, content: bytes) -> None:
    audio, flags, _ = decode(tmp_path, content, RecordingLimits(longest_hours=30 / 3_600))
    assert len(audio) == pytest.approx(SECONDS * SAMPLE_RATE_HZ, abs=2_000)
    assert flags == ("cut_short",)


@pytest.mark.parametrize(
    ("container", "codec"),
    [("flac", "flac"), ("matroska", "libopus"), ("ipod", "aac"), ("mp3", "libmp3lame")],
)
def test_a_claim_over_the_limit_that_is_true_is_refused_before_anything_is_decoded(
    tmp_path: Path, container: str, codec: str
) -> None:
    path = tmp_path / "call"
    path.write_bytes(encoded(container, codec, 48_000, seconds=100.0))
    with pytest.raises(TooLong, match="Raise longest_hours"):
        open_recording(path, RecordingLimits(longest_hours=90 / 3_600))
