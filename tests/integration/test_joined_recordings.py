"""Recordings that were joined end to end are read to the last of them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.recordings import chunk, encoded, fmt, pcm, rf64, tones, w64, wav
from transcribe_worker.media.recording import MAX_PARTS, SAMPLE_RATE_HZ, open_recording

PARTS = [
    ("ipod", "aac", 44_100),
    ("mp4", "alac", 48_000),
    ("mov", "pcm_s16be", 44_100),
    ("aiff", "pcm_s24be", 44_100),
    ("caf", "pcm_s16le", 44_100),
    ("asf", "wmav2", 44_100),
    ("matroska", "aac", 48_000),
    ("wav", "pcm_s16le", 44_100),
    ("wav", "adpcm_ms", 8_000),
    ("flac", "flac", 16_000),
    ("ogg", "libopus", 48_000),
    ("mp3", "libmp3lame", 44_100),
    ("adts", "aac", 44_100),
]
STREAMS = ("flac", "ogg", "mp3", "adts")


def decode(folder: Path, content: bytes) -> tuple[NDArray[np.float32], tuple[str, ...], float | None]:
    path = folder / "call"
    path.write_bytes(content)
    with open_recording(path) as recording:
        blocks = list(recording.blocks())
        return np.concatenate(blocks), recording.flags, recording.duration_seconds


@pytest.mark.parametrize(("container", "codec", "rate"), PARTS)
def test_joined_recordings_of_one_kind_are_read_to_the_last(
    tmp_path: Path, container: str, codec: str, rate: int
) -> None:
    low, high = (0.3 * np.sin(2 * np.pi * hz * np.arange(3 * rate) / rate) for hz in (500, 1_300))
    content = encoded(container, codec, rate, sound=low) + encoded(container, codec, rate, sound=high)
    audio, flags, _ = decode(tmp_path, content)
    assert len(audio) == pytest.approx(6 * SAMPLE_RATE_HZ, abs=8_000)
    assert ("recordings_joined" in flags) == (container not in STREAMS)
    for hz, piece in ((500, audio[: 2 * SAMPLE_RATE_HZ]), (1_300, audio[-2 * SAMPLE_RATE_HZ :])):
        spectrum = np.abs(np.fft.rfft(piece))
        assert abs(int(spectrum.argmax()) - 2 * hz) <= 2


@pytest.mark.parametrize("form", [wav, rf64, w64])
def test_a_wav_of_another_form_and_rate_may_follow(tmp_path: Path, form) -> None:
    second = form(fmt(rate=8_000), pcm(tones(8_000, 2.0)))
    audio, flags, duration = decode(tmp_path, wav(fmt(), pcm(tones(16_000))) + second)
    assert len(audio) == 3 * SAMPLE_RATE_HZ
    assert (flags, duration) == (("recordings_joined",), 3.0)


def test_a_list_between_two_wavs_is_not_played(tmp_path: Path) -> None:
    tail = chunk(b"LIST", b"INFO" + chunk(b"ICMT", b"\xff\x7f" * 4_000))
    one = wav(fmt(), pcm(tones(16_000)), tail=tail)
    audio, _, _ = decode(tmp_path, one * 3)
    assert len(audio) == 3 * SAMPLE_RATE_HZ


def test_a_last_recording_that_was_cut_off_is_flagged(tmp_path: Path) -> None:
    one = wav(fmt(), pcm(tones(16_000, 2.0)))
    audio, flags, _ = decode(tmp_path, one + one[: len(one) // 2])
    assert len(audio) == pytest.approx(3 * SAMPLE_RATE_HZ, abs=100)
    assert set(flags) == {"recordings_joined", "cut_short"}


def test_a_second_recording_that_cannot_be_read_keeps_the_first_from_nothing(tmp_path: Path) -> None:
    damaged = wav(struct.pack("<HHIIHH", 1, 0, 16_000, 0, 0, 0), pcm(tones(16_000)))
    audio, flags, _ = decode(tmp_path, wav(fmt(), pcm(tones(16_000))) + damaged)
    assert len(audio) == SAMPLE_RATE_HZ
    assert flags == ("recordings_joined", "damaged_audio")


def test_very_many_joined_recordings_are_read_up_to_a_limit_and_flagged(tmp_path: Path) -> None:
    audio, flags, _ = decode(tmp_path, wav(fmt(), pcm(tones(16_000, 0.1))) * (MAX_PARTS + 5))
    assert len(audio) == MAX_PARTS * 1_600
    assert flags == ("recordings_joined", "damaged_audio")
