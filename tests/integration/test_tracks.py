"""All audio tracks of a file are heard, and one that cannot be decoded keeps no other from being read."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from shared.errors import NotARecording
from tests.muxing import Sound, tracks
from tests.recordings import FLOAT, fmt, pcm, tones, wav
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, open_recording

SECONDS = 3.0
TONES_HZ = {"aac": 500, "alac": 1_300}


def tone(hz: float, seconds: float = SECONDS, level: float = 0.3) -> NDArray[np.float64]:
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ)


def decode(folder: Path, content: bytes) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    path = folder / "call"
    path.write_bytes(content)
    with open_recording(path) as recording:
        blocks = list(recording.blocks())
        return np.concatenate(blocks), recording.flags


def heard(audio: NDArray[np.float32], hz: int) -> float:
    """How loud a tone is."""
    return float(2 * np.abs(np.fft.rfft(audio)[round(hz * len(audio) / SAMPLE_RATE_HZ)]) / len(audio))


def test_two_tracks_are_mixed_and_flagged(tmp_path: Path) -> None:
    audio, flags = decode(tmp_path, tracks([[Sound(0, tone(500))], [Sound(0, tone(1_300))]]))
    assert flags == ("tracks_mixed",)
    assert len(audio) == SECONDS * SAMPLE_RATE_HZ
    assert (heard(audio, 500), heard(audio, 1_300)) == (pytest.approx(0.15, abs=0.01),) * 2


def test_tracks_of_inverse_sound_do_not_cancel(tmp_path: Path) -> None:
    audio, flags = decode(tmp_path, tracks([[Sound(0, tone(500))], [Sound(0, -tone(500))]]))
    assert flags == ("tracks_mixed", "channels_opposed")
    assert heard(audio, 500) > 0.2


def test_a_silent_track_makes_the_other_no_quieter(tmp_path: Path) -> None:
    sounds = [[Sound(0, tone(500, level=0.0))], [Sound(0, tone(1_300))], [Sound(0, tone(500, level=0.0))]]
    audio, flags = decode(tmp_path, tracks(sounds))
    assert flags == ()
    assert heard(audio, 1_300) == pytest.approx(0.3, abs=0.01)


def test_tracks_keep_their_times_and_the_longest_gives_the_length(tmp_path: Path) -> None:
    audio, flags = decode(tmp_path, tracks([[Sound(0, tone(500, 2.0))], [Sound(4.0, tone(1_300, 2.0))]]))
    assert set(flags) == {"gaps_filled", "tracks_mixed"}
    assert len(audio) == 6 * SAMPLE_RATE_HZ
    assert heard(audio[: 2 * SAMPLE_RATE_HZ], 500) == pytest.approx(0.3, abs=0.01)
    assert np.abs(audio[round(2.1 * SAMPLE_RATE_HZ) : round(3.9 * SAMPLE_RATE_HZ)]).max() < 0.001
    assert heard(audio[4 * SAMPLE_RATE_HZ :], 1_300) > 0.14


@pytest.mark.parametrize("codecs", [("alac", "aac"), ("aac", "alac")])
def test_a_track_that_cannot_be_decoded_keeps_no_other_from_being_read(
    tmp_path: Path, codecs: tuple[str, str]
) -> None:
    audio, flags = decode(tmp_path, mp4(*codecs).replace(b"alac", b"apac"))
    assert flags == ("track_left_out",)
    assert len(audio) == pytest.approx(SECONDS * SAMPLE_RATE_HZ, abs=2_000)
    assert heard(audio, TONES_HZ["aac"]) > 0.25


def test_a_file_of_which_no_track_can_be_decoded_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotARecording, match="compressed in a way that offhook cannot decode"):
        decode(tmp_path, mp4("alac").replace(b"alac", b"apac"))


def test_stereo_whose_channels_are_inverse_is_heard(tmp_path: Path) -> None:
    sound = tones(SAMPLE_RATE_HZ, SECONDS)
    audio, flags = decode(tmp_path, wav(fmt(channels=2), pcm(np.stack([sound, -sound], axis=1).ravel())))
    assert flags == ("channels_opposed",)
    assert np.corrcoef(audio, sound)[0, 1] > 0.999


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("factor", [2.0, 100.0, 32_768.0])
def test_floats_beyond_full_scale_are_scaled_down(tmp_path: Path, bits: int, factor: float) -> None:
    sound = tones(SAMPLE_RATE_HZ, SECONDS)
    payload = (sound * factor).astype(f"<f{bits // 8}").tobytes()
    audio, flags = decode(tmp_path, wav(fmt(FLOAT, bits=bits), payload))
    assert flags == ("scaled_down",)
    assert np.corrcoef(audio, sound)[0, 1] > 0.99999


def mp4(*codecs: str) -> bytes:
    """A track for each codec, with a tone of its own."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        pairs = [
            (output.add_stream(codec, rate=SAMPLE_RATE_HZ, layout="mono"), tone(TONES_HZ[codec]))
            for codec in codecs
        ]
        for stream, samples in pairs:
            frame = av.AudioFrame.from_ndarray(
                samples.astype(np.float32)[np.newaxis], format="fltp", layout="mono"
            )
            frame.sample_rate = SAMPLE_RATE_HZ
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    return file.getvalue()
