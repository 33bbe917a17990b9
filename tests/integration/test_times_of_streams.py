"""Containers that broadcasters, cameras and streamers write: sound stands where its time stamps say."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.recordings import encoded, tones
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, open_recording

RATE_HZ = 44_100
SAMPLE_FORMATS = {"aac": "fltp", "mp2": "s16", "libmp3lame": "s16p"}
VIDEO_CODECS = {"mpegts": "mpeg4", "mpeg": "mpeg1video", "flv": "flv1"}
#: Container and codec.
STREAMS = [("mpegts", "aac"), ("mpegts", "mp2"), ("mpeg", "mp2"), ("flv", "aac"), ("flv", "libmp3lame")]
EXACT_SECONDS = 0.08


def stream(container: str, codec: str, *starts_seconds: float, video_seconds: int = 0) -> bytes:
    """Two seconds of sound at each start, perhaps beside a video that begins at 0."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        packets: list[av.Packet] = []
        if video_seconds:
            picture = output.add_stream(VIDEO_CODECS[container], rate=25)
            picture.width = picture.height = 64
            picture.pix_fmt = "yuv420p"
        sound = output.add_stream(codec, rate=RATE_HZ, layout="mono")
        for _ in range(25 * video_seconds):
            packets += picture.encode(av.VideoFrame(64, 64, "yuv420p"))
        packets += picture.encode(None) if video_seconds else []
        for start in starts_seconds:
            packets += sound.encode(_frame(SAMPLE_FORMATS[codec], start))
        packets += sound.encode(None)
        for packet in sorted(packets, key=lambda it: it.dts * it.time_base):
            output.mux(packet)
    return file.getvalue()


def _frame(sample_format: str, start_seconds: float) -> av.AudioFrame:
    samples = tones(RATE_HZ, 2.0).astype(np.float32)[np.newaxis]
    if sample_format != "fltp":
        samples = (samples * 32_767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples, format=sample_format, layout="mono")
    frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
    frame.pts = round(start_seconds * RATE_HZ)
    return frame


def decode(folder: Path, content: bytes) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    path = folder / "call"
    path.write_bytes(content)
    with open_recording(path) as recording:
        return np.concatenate(list(recording.blocks())), recording.flags


def loud(audio: NDArray[np.float32]) -> list[float]:
    """Where sound begins and ends, in seconds."""
    step = SAMPLE_RATE_HZ // 100
    windows = np.abs(audio[: len(audio) // step * step]).reshape(-1, step).max(axis=1) > 0.01
    return [edge / 100 for edge in np.flatnonzero(np.diff([0, *windows.astype(int), 0]))]


@pytest.mark.parametrize(("container", "codec"), STREAMS)
def test_sound_after_a_pause_is_heard_at_its_time(tmp_path: Path, container: str, codec: str) -> None:
    audio, flags = decode(tmp_path, stream(container, codec, 0.0, 17.0))
    assert loud(audio) == pytest.approx([0.0, 2.0, 17.0, 19.0], abs=EXACT_SECONDS)
    assert flags == ("gaps_filled",)


@pytest.mark.parametrize(("container", "codec"), STREAMS)
def test_sound_that_begins_later_than_its_video_is_heard_at_its_time(
    tmp_path: Path, container: str, codec: str
) -> None:
    audio, flags = decode(tmp_path, stream(container, codec, 4.0, video_seconds=7))
    assert loud(audio)[:2] == pytest.approx([4.0, 6.0], abs=EXACT_SECONDS)
    assert flags == ("gaps_filled",)


@pytest.mark.parametrize(("container", "codec"), STREAMS[:3])
def test_a_broadcast_whose_clock_has_run_for_long_begins_at_once(
    tmp_path: Path, container: str, codec: str
) -> None:
    audio, flags = decode(tmp_path, stream(container, codec, 3_000.0, 3_005.0))
    assert loud(audio) == pytest.approx([0.0, 2.0, 5.0, 7.0], abs=EXACT_SECONDS)
    assert flags == ("gaps_filled",)


@pytest.mark.parametrize(("container", "codec"), STREAMS)
def test_sound_without_a_pause_is_flagged_as_nothing(tmp_path: Path, container: str, codec: str) -> None:
    audio, flags = decode(tmp_path, stream(container, codec, 0.0, 2.0, video_seconds=4))
    assert loud(audio) == pytest.approx([0.0, 4.0], abs=EXACT_SECONDS)
    assert flags == ()


def test_what_a_damaged_part_of_a_tta_has_taken_moves_nothing(tmp_path: Path) -> None:
    content = bytearray(encoded("tta", "tta", 48_000, "mono", sound=rising(48_000)))
    hole = range(int(len(content) * 0.3), int(len(content) * 0.5))
    content[hole.start : hole.stop] = np.random.default_rng(1).bytes(len(hole))
    audio, flags = decode(tmp_path, bytes(content))
    assert len(audio) == pytest.approx(40 * SAMPLE_RATE_HZ, abs=0.2 * SAMPLE_RATE_HZ)
    assert step_seconds(audio) == pytest.approx(30.0, abs=EXACT_SECONDS)
    assert "damaged_audio" in flags


def test_lost_blocks_of_a_wavpack_are_flagged_and_move_nothing(tmp_path: Path) -> None:
    content = encoded("wv", "wavpack", 48_000, "mono", sound=rising(48_000))
    blocks = [found.start() for found in re.finditer(b"wvpk", content)]
    assert len(blocks) > 30
    audio, flags = decode(tmp_path, content[: blocks[10]] + content[blocks[20] :])
    assert len(audio) == pytest.approx(40 * SAMPLE_RATE_HZ, abs=0.2 * SAMPLE_RATE_HZ)
    assert step_seconds(audio) == pytest.approx(30.0, abs=EXACT_SECONDS)
    assert "damaged_audio" in flags


def rising(rate_hz: int) -> NDArray[np.float64]:
    """Forty seconds of sound that is ten times as loud from 30 s on."""
    return tones(rate_hz, 40.0) * (np.arange(rate_hz * 40) // (rate_hz * 30) * 0.9 + 0.1)


def step_seconds(audio: NDArray[np.float32]) -> float:
    louder = np.abs(audio[35 * SAMPLE_RATE_HZ :]).max() / 2
    return float(np.flatnonzero(np.abs(audio) > louder)[0] / SAMPLE_RATE_HZ)
