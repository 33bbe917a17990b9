"""A file says by its own structure that it is cut short."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.stage import ROOT
from transcribe_worker.media.completeness import is_cut_short

RATE_HZ = 48_000
FRAME_SAMPLES = 4_096
#: Container, codec and sample format.
KINDS = {
    "call.flac": ("flac", "s16"),
    "call.m4a": ("aac", "fltp"),
    "call.mp4": ("aac", "fltp"),
    "call.ogg": ("libopus", "flt"),
    "call.opus": ("libopus", "flt"),
    "call.mka": ("flac", "s16"),
    "call.webm": ("libopus", "flt"),
    "call.mp3": ("libmp3lame", "fltp"),
}


def encode(path: Path, seconds: float = 3.0) -> Path:
    """Write noise into a file of the kind that its ending says."""
    codec, sample_format = KINDS[f"call{path.suffix}"]
    samples = np.random.default_rng(1).uniform(-0.3, 0.3, round(seconds * RATE_HZ)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE_HZ, layout="mono", format=sample_format)
        resampler = av.AudioResampler(sample_format, "mono", RATE_HZ)
        for at in range(0, len(samples), FRAME_SAMPLES):
            block = samples[np.newaxis, at : at + FRAME_SAMPLES]
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.rate, frame.pts, frame.time_base = RATE_HZ, at, Fraction(1, RATE_HZ)
            for resampled in resampler.resample(frame):
                container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", KINDS)
def test_a_whole_file_is_not_cut_short(tmp_path: Path, name: str):
    assert not is_cut_short(encode(tmp_path / name))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_a_part_of_a_file_is_cut_short(tmp_path: Path, name: str, part: float):
    path = encode(tmp_path / name)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])

    assert is_cut_short(path)


@pytest.mark.parametrize("name", ["call.flac", "call.m4a", "call.ogg", "call.mka"])
def test_a_file_without_its_last_byte_is_cut_short(tmp_path: Path, name: str):
    path = encode(tmp_path / name)
    path.write_bytes(path.read_bytes()[:-1])

    assert is_cut_short(path)


def test_an_mp4_without_its_index_is_cut_short(tmp_path: Path):
    path = tmp_path / "call.m4a"
    path.write_bytes(
        struct.pack(">I4s4sI", 16, b"ftyp", b"M4A ", 0) + struct.pack(">I4s", 0, b"mdat") + b"x" * 90
    )

    assert is_cut_short(path)


def test_a_flac_that_gives_no_length_is_undecided(tmp_path: Path):
    path = encode(tmp_path / "call.flac")
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content[: len(content) // 2])

    assert not is_cut_short(path)


def test_an_mp3_behind_tags_is_cut_short_when_its_audio_is(tmp_path: Path):
    path = encode(tmp_path / "call.mp3")
    tag = b"ID3\4\0\0" + bytes((0, 0, 8, 0)) + bytes(1_024)
    content = tag + path.read_bytes()
    path.write_bytes(content)
    assert not is_cut_short(path)
    path.write_bytes(content[: len(content) // 2])
    assert is_cut_short(path)


@pytest.mark.parametrize("name", KINDS)
def test_damaged_files_raise_nothing(tmp_path: Path, name: str):
    path = encode(tmp_path / name, seconds=0.2)
    whole = path.read_bytes()
    numbers = random.Random(7)
    for _ in range(100):
        damaged = bytearray(whole[: numbers.randrange(len(whole))])
        for _ in range(min(len(damaged), 20)):
            damaged[numbers.randrange(min(200, len(damaged)))] = numbers.randrange(256)
        path.write_bytes(damaged)
        assert is_cut_short(path) in (True, False)


def test_a_file_that_is_gone_raises_nothing(tmp_path: Path):
    assert not is_cut_short(tmp_path / "gone.flac")


def test_the_inbox_loads_no_native_code():
    program = "import sys, transcribe_worker.inbox.watch; print(sorted({'av', 'numpy'} & sys.modules.keys()))"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == "[]"
