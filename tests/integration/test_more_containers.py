"""Containers that recorders, cameras and browsers write besides the common ones."""

from __future__ import annotations

import io
import shutil
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from shared.errors import NotARecording
from stress.cases import Case, either
from stress.children import opened_by_the_system
from tests.conftest import skip_or_fail
from tests.recordings import encoded, tones, video
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, open_recording

#: Container, codec, rate.
CONTAINERS = {
    "call.ts": ("mpegts", "aac", 44_100),
    "call.m2ts": ("mpegts", "mp2", 44_100),
    "call.mpg": ("mpeg", "mp2", 44_100),
    "call.avi": ("avi", "pcm_s16le", 16_000),
    "call-mp3.avi": ("avi", "libmp3lame", 44_100),
    "call.flv": ("flv", "aac", 44_100),
    "call.au": ("au", "pcm_s16be", 16_000),
    "call.wv": ("wv", "wavpack", 44_100),
    "call.tta": ("tta", "tta", 44_100),
    "call.3g2": ("3g2", "aac", 44_100),
    "call.mp2": ("mp2", "mp2", 44_100),
}


def heard(folder: Path, content: bytes) -> tuple[float, float]:
    """Return how many seconds a file holds and how much of its power is in the two tones, 0 to 1."""
    path = folder / "call.wav"
    path.write_bytes(content)
    with open_recording(path) as recording:
        audio = np.concatenate(list(recording.blocks()))
    middle = audio[4_000:12_000]
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2
    hz = np.fft.rfftfreq(len(middle), 1 / SAMPLE_RATE_HZ)
    wanted = np.any([np.abs(hz - tone) < 10 for tone in (440, 997)], axis=0)
    return len(audio) / SAMPLE_RATE_HZ, float(power[wanted].sum() / power.sum())


def assert_tones(folder: Path, content: bytes) -> None:
    seconds, share = heard(folder, content)
    assert 0.9 < seconds < 1.25
    assert share > 0.98


def box(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), name) + payload


def ape_tag(*, items: bytes) -> bytes:
    """An APEv2 tag with header and footer."""

    def edge(flags: int) -> bytes:
        return b"APETAGEX" + struct.pack("<IIII8x", 2_000, len(items) + 32, 1, flags)

    return edge(0xA0000000) + items + edge(0x80000000)


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_sound_of_every_container_is_heard(tmp_path: Path, name: str) -> None:
    container, codec, rate = CONTAINERS[name]
    assert_tones(tmp_path, encoded(container, codec, rate))


@pytest.mark.parametrize("container", ["avi", "flv", "mpegts"])
def test_the_sound_of_a_video_is_heard(tmp_path: Path, container: str) -> None:
    content = (
        video(container, with_sound=True) if container != "flv" else encoded("flv", "libmp3lame", 44_100)
    )
    assert_tones(tmp_path, content)


@pytest.mark.parametrize(
    "filler",
    [
        box(b"free", b""),
        box(b"skip", bytes(40_000)),
        box(b"uuid", bytes(3_000)),
        box(b"wide", b"") + box(b"free", bytes(99)),
        struct.pack(">I4sQ", 1, b"free", 16 + 99) + bytes(99),
        box(b"free", b"") + box(b"styp", b"msdh\0\0\0\0msdhmsix"),
    ],
    ids=["free", "a long skip", "uuid", "wide and free", "a 64-bit size", "styp"],
)
def test_an_mp4_is_known_after_boxes_that_mean_nothing(tmp_path: Path, filler: bytes) -> None:
    assert_tones(tmp_path, filler + _fragmented())


def _fragmented() -> bytes:
    """An MP4 whose offsets are relative, so that a box may be put before it."""
    file = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(file, "w", format="mp4", options=options) as output:
        stream = output.add_stream("aac", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(tones(44_100).astype(np.float32)[np.newaxis], "fltp", "mono")
        frame.sample_rate = 44_100
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    "first",
    [
        ape_tag(items=bytes(6_000)),
        ape_tag(items=b"x" * 9) + b"ID3\x04\0\0\0\0\0\x05" + bytes(5),
        bytes(5_000),
        bytes(200_000),
    ],
    ids=["APEv2", "APEv2 and ID3v2", "zeros", "many zeros"],
)
@pytest.mark.parametrize("container", ["mp3", "adts"])
def test_mpeg_audio_is_known_after_tags_and_zeros(tmp_path: Path, first: bytes, container: str) -> None:
    codec = {"mp3": "libmp3lame", "adts": "aac"}[container]
    assert_tones(tmp_path, first + encoded(container, codec, 44_100))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x03ds2" + bytes(2_000), "a dictation in DSS or DS2"),
        (b"MAC \x96\x0f" + bytes(99), "Monkey's Audio"),
        (b".RMF\0\0\0\x12" + bytes(99), "RealAudio or RealMedia"),
        (b"Creative Voice File\x1a" + bytes(99), "a Creative Voice file"),
    ],
)
def test_a_recording_of_a_kind_that_is_not_read_is_refused_by_its_name(
    tmp_path: Path, content: bytes, what: str
) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    with pytest.raises(NotARecording, match=rf"^call.wav is {what}. Convert it to WAV. offhook reads WAV"):
        open_recording(path)


def test_only_zeros_are_of_an_unknown_kind(tmp_path: Path) -> None:
    path = tmp_path / "call.mp3"
    path.write_bytes(bytes(3_000_000))
    with pytest.raises(NotARecording, match="an unknown kind"):
        open_recording(path)


def test_none_of_them_has_another_file_opened() -> None:
    if shutil.which("strace") is None:
        skip_or_fail("strace is not installed")
    cases = [Case(name, encoded(*how), either(1.0), Path(name).suffix) for name, how in CONTAINERS.items()]
    assert opened_by_the_system(cases) == []


@pytest.mark.parametrize(("container", "codec"), [("flv", "aac"), ("flv", "libmp3lame"), ("tta", "tta")])
@pytest.mark.parametrize("between", [b"", b"TAG" + bytes(125)])
def test_the_second_of_two_joined_recordings_is_heard_and_flagged(
    tmp_path: Path, container: str, codec: str, between: bytes
) -> None:
    path = tmp_path / f"both.{container}"
    content = encoded(container, codec, 44_100)
    path.write_bytes(content + (between if container == "tta" else b"") + content)
    with open_recording(path) as recording:
        seconds = sum(len(block) for block in recording.blocks()) / SAMPLE_RATE_HZ
        flags = recording.flags
    assert 1.9 < seconds < 2.3
    assert "recordings_joined" in flags
