"""Files of two channels: both are read apart, whatever the codec, and their sides are found."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import soxr

from tests.recordings import encoded
from tests.two_channels import Pair, talk, with_noise, write_pair
from tests.voices import SAMPLE_RATE_HZ, SHORT_CALL, write_wav
from transcribe_worker.media.recording import open_recording
from transcribe_worker.speech.sides import Sides, sides

CALL = with_noise(talk(SHORT_CALL).samples)
MIXED: Pair = np.stack([CALL.mean(axis=0)] * 2)


def written(path: Path, codec: str, rate_hz: int, samples: Pair, bits_per_second: int) -> Path:
    """Encode two channels as joint stereo, where the codec has it."""
    resampled = soxr.resample(samples.T, SAMPLE_RATE_HZ, rate_hz).astype(np.float32)
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate_hz, layout="stereo")
        stream.codec_context.options = {"strict": "experimental"}
        stream.codec_context.bit_rate = bits_per_second
        frame = av.AudioFrame.from_ndarray(resampled.reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate = rate_hz
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def decided(path: Path) -> Sides:
    with open_recording(path) as recording:
        assert recording.has_two_channels
        return sides(recording.pairs())


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "bits_per_second"),
    [
        ("call.wav", "pcm_mulaw", 8_000, 128_000),
        ("call.wav", "pcm_s16le", 44_100, 1_411_200),
        ("call.flac", "flac", 16_000, 300_000),
        ("call.mp3", "libmp3lame", 44_100, 64_000),
        ("call.mp3", "libmp3lame", 16_000, 32_000),
        ("call.m4a", "aac", 44_100, 64_000),
        ("call.ogg", "libopus", 48_000, 32_000),
        ("call.webm", "libopus", 48_000, 24_000),
    ],
)
def test_two_sides_are_found_in_any_codec_and_a_mix_of_them_is_one(
    tmp_path: Path, name: str, codec: str, rate_hz: int, bits_per_second: int
) -> None:
    assert decided(written(tmp_path / name, codec, rate_hz, CALL, bits_per_second)) is Sides.BOTH
    assert decided(written(tmp_path / name, codec, rate_hz, MIXED, bits_per_second)) is Sides.ONE


def test_each_channel_is_read_as_if_it_were_alone(tmp_path: Path) -> None:
    rate_hz = 44_100
    path = write_pair(tmp_path / "both.wav", CALL, rate_hz)
    with open_recording(path) as recording:
        both = np.concatenate(list(recording.pairs()), axis=1)
    for channel, samples in zip(both, CALL, strict=True):
        write_wav(tmp_path / "alone.wav", samples, rate_hz)
        with open_recording(tmp_path / "alone.wav") as recording:
            alone = np.concatenate(list(recording.blocks()))
        assert np.array_equal(channel, alone)


def test_a_recording_of_one_or_six_channels_has_no_two(tmp_path: Path) -> None:
    for layout in ("mono", "5.1"):
        path = tmp_path / f"{layout}.wav"
        path.write_bytes(encoded("wav", "pcm_s16le", 16_000, layout))
        with open_recording(path) as recording:
            assert not recording.has_two_channels


def test_a_part_with_one_channel_is_on_both(tmp_path: Path) -> None:
    stereo = write_pair(tmp_path / "stereo.wav", CALL[:, :16_000]).read_bytes()
    write_wav(tmp_path / "mono.wav", CALL[0, :16_000])
    path = tmp_path / "joined.wav"
    path.write_bytes(stereo + (tmp_path / "mono.wav").read_bytes())
    with open_recording(path) as recording:
        assert not recording.has_two_channels
        both = np.concatenate(list(recording.pairs()), axis=1)
    assert both.shape == (2, 32_000)
    np.testing.assert_array_equal(both[0, 16_000:], both[1, 16_000:])
