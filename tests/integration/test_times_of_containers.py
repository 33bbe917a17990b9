"""Samples stand where the container says, whatever is missing in between."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.muxing import Sound, stamped
from tests.recordings import encoded, tones
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, open_recording

TWO_SECONDS = tones(SAMPLE_RATE_HZ, 2.0)


def decode(folder: Path, content: bytes) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    path = folder / "call"
    path.write_bytes(content)
    with open_recording(path) as recording:
        blocks = list(recording.blocks())
        return np.concatenate(blocks), recording.flags


def loud(audio: NDArray[np.float32]) -> list[tuple[float, float]]:
    """Where there is sound, as spans in seconds, to 10 ms."""
    step = SAMPLE_RATE_HZ // 100
    windows = np.abs(audio[: len(audio) // step * step]).reshape(-1, step).max(axis=1) > 0.01
    edges = np.flatnonzero(np.diff(np.concatenate([[0], windows.astype(int), [0]])))
    return [(float(a) / 100, float(b) / 100) for a, b in edges.reshape(-1, 2)]


def test_sound_that_begins_late_and_pauses_is_heard_at_its_times(tmp_path: Path) -> None:
    content = stamped([Sound(4.0, TWO_SECONDS), Sound(21.0, TWO_SECONDS)])
    audio, flags = decode(tmp_path, content)
    assert loud(audio) == [
        (pytest.approx(4.0), pytest.approx(6.0)),
        (pytest.approx(21.0), pytest.approx(23.0)),
    ]
    assert flags == ("gaps_filled",)


def test_a_video_whose_sound_begins_late_keeps_its_length(tmp_path: Path) -> None:
    path = tmp_path / "screen.mp4"
    with av.open(str(path), "w") as output:
        picture = output.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        sound = output.add_stream("aac", rate=16_000, layout="mono")
        for _ in range(60):
            output.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(
            TWO_SECONDS.astype(np.float32)[np.newaxis], format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = 16_000, 4 * 16_000
        output.mux(sound.encode(frame))
        output.mux(sound.encode(None))
    with open_recording(path) as recording:
        audio = np.concatenate(list(recording.blocks()))
        assert recording.duration_seconds == pytest.approx(6.0, abs=0.1)
        assert recording.flags == ("gaps_filled",)
    ((begin, end),) = loud(audio)
    assert (begin, end) == (pytest.approx(4.0, abs=0.07), pytest.approx(6.0, abs=0.1))


def test_stamps_that_jump_back_lose_no_sound(tmp_path: Path) -> None:
    content = stamped([Sound(0.0, TWO_SECONDS), Sound(8.0, TWO_SECONDS)])
    eight, one = b"\xe7\x82\x1f\x40", b"\xe7\x82\x03\xe8"  # the time of a Matroska cluster, in milliseconds
    assert content.count(eight) == 1
    audio, flags = decode(tmp_path, content.replace(eight, one))
    assert len(audio) == 4 * SAMPLE_RATE_HZ
    assert "times_wrong" in flags


@pytest.mark.parametrize("jump_seconds", [3 * 3_600.0, 1e9])
def test_an_absurd_stamp_makes_no_hours_of_silence(tmp_path: Path, jump_seconds: float) -> None:
    audio, flags = decode(tmp_path, stamped([Sound(0.0, TWO_SECONDS), Sound(jump_seconds, TWO_SECONDS)]))
    assert len(audio) == 4 * SAMPLE_RATE_HZ
    assert "times_wrong" in flags


def test_a_recording_whose_stamps_all_begin_absurdly_late_begins_at_once(tmp_path: Path) -> None:
    audio, _ = decode(tmp_path, stamped([Sound(100_000.0, TWO_SECONDS)]))
    assert loud(audio)[0][0] == 0


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("flac", "flac"),
        ("matroska", "libopus"),
        ("ogg", "libopus"),
        ("asf", "wmav2"),
    ],
)
@pytest.mark.parametrize("garbage", ["zeros", "random"])
def test_a_hole_in_the_middle_is_flagged_and_moves_nothing(
    tmp_path: Path, container: str, codec: str, garbage: str
) -> None:
    rate, seconds = 48_000, 40.0
    sound = tones(rate, seconds) * (np.arange(round(rate * seconds)) // (rate * 30) * 0.9 + 0.1)
    content = bytearray(encoded(container, codec, rate, "mono", sound=sound))
    hole = range(int(len(content) * 0.3), int(len(content) * 0.5))
    noise = np.random.default_rng(1).bytes(len(hole))
    content[hole.start : hole.stop] = bytes(len(hole)) if garbage == "zeros" else noise
    audio, flags = decode(tmp_path, bytes(content))
    assert set(flags) & {"damaged_audio", "gaps_filled"}
    assert len(audio) == pytest.approx(40 * SAMPLE_RATE_HZ, abs=0.2 * SAMPLE_RATE_HZ)
    louder = np.abs(audio[35 * SAMPLE_RATE_HZ :]).max() / 2
    (first,) = np.flatnonzero(np.abs(audio[28 * SAMPLE_RATE_HZ :]) > louder)[:1]
    assert first / SAMPLE_RATE_HZ == pytest.approx(2.0, abs=0.15)
