"""Decoding real files of every kind, compared with the signal that was put into them."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Never

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.errors import BadRecording, DamagedHeader, EmptyRecording, NoAudio, NotARecording
from tests.recordings import FLOAT, PCM, chunk, encoded, extensible, fmt, pcm, rf64, tones, video, w64, wav
from transcribe_worker import memory
from transcribe_worker.media.mpeg_audio import frame_bytes
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, open_recording

ROOT = Path(__file__).parents[2]
SECONDS = 1.0
HEADER_BYTES = 44


def save(folder: Path, content: bytes, name: str = "call.wav") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def decode(path: Path) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    with open_recording(path) as recording:
        blocks = list(recording.blocks())
        flags = recording.flags
    assert all(block.dtype == np.float32 and block.ndim == 1 and block.size for block in blocks)
    audio = np.concatenate(blocks)
    assert np.abs(audio).max() <= 1
    return audio, flags


def likeness(audio: NDArray[np.float32], seconds: float = SECONDS, shift: int = 0) -> float:
    """1 for the same signal at the same level, at most `shift` samples later or earlier."""
    truth = tones(SAMPLE_RATE_HZ, seconds)
    count = min(len(truth), len(audio)) - 2 * shift - 400
    middle = truth[shift + 200 :][:count]
    errors = [np.square(audio[at + 200 :][:count] - middle).sum() for at in range(2 * shift + 1)]
    return float(1 - min(errors) / np.square(middle).sum())


def refusal(path: Path, kind: type[BadRecording] = BadRecording) -> str:
    with pytest.raises(kind) as caught, open_recording(path) as recording:
        list(recording.blocks())
    return str(caught.value)


# What a WAV may hold


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_every_sample_rate_becomes_16_khz_of_the_same_length(tmp_path: Path, rate: int) -> None:
    path = save(tmp_path, wav(fmt(rate=rate), pcm(tones(rate))))
    audio, flags = decode(path)
    assert (len(audio), flags) == (16_000, ())
    assert likeness(audio) > 0.999


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", [fmt, extensible])
@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_integers_of_every_width_keep_their_level(
    tmp_path: Path, order: str, form, bits: int, channels: int
) -> None:
    samples = np.repeat(tones(16_000), channels)
    path = save(
        tmp_path, wav(form(PCM, channels, 16_000, bits, order), pcm(samples, bits, order), order=order)
    )
    audio, flags = decode(path)
    assert (len(audio), flags) == (16_000, ())
    assert likeness(audio) > (0.999 if bits == 8 else 0.999999)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", [fmt, extensible])
@pytest.mark.parametrize("bits", [32, 64])
def test_floats_keep_their_level_and_nan_and_infinity_become_silence(
    tmp_path: Path, order: str, form, bits: int
) -> None:
    samples = tones(48_000)
    samples[[10_000, 20_000, 30_000]] = np.nan, np.inf, -np.inf
    payload = samples.astype(f"{order}f{bits // 8}").tobytes()
    audio, _ = decode(save(tmp_path, wav(form(FLOAT, 1, 48_000, bits, order), payload, order=order)))
    assert len(audio) == 16_000
    assert np.isfinite(audio).all()
    assert likeness(audio) > 0.999


@pytest.mark.parametrize("codec", ["pcm_mulaw", "pcm_alaw", "adpcm_ms", "adpcm_ima_wav"])
def test_telephone_codecs_in_a_wav_are_decoded(tmp_path: Path, codec: str) -> None:
    audio, flags = decode(save(tmp_path, encoded("wav", codec, 8_000)))
    assert flags == ()
    assert 16_000 <= len(audio) < 18_100  # ADPCM fills its last block
    assert likeness(audio) > 0.98


def test_all_channels_are_heard_alike(tmp_path: Path) -> None:
    frames = np.zeros((16_000, 6))
    frames[:, 5] = tones(16_000)
    audio, _ = decode(save(tmp_path, wav(extensible(PCM, 6, 16_000, 16), pcm(frames.reshape(-1)))))
    assert likeness(audio * 6) > 0.9999


def test_rf64_and_wave64_are_decoded(tmp_path: Path) -> None:
    data = pcm(tones(16_000))
    long = rf64(fmt(), data)
    sizes = long[12:48]
    unsized = long.replace(sizes, chunk(b"ds64", bytes(len(sizes) - 8)))
    for content in (long, w64(fmt(), data), unsized):
        audio, _ = decode(save(tmp_path, content))
        assert len(audio) == 16_000
        assert likeness(audio) > 0.9999


# What a WAV may claim


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 4_000, 0x7FFFFFFF])
def test_a_wrong_size_is_flagged_and_all_the_audio_used(tmp_path: Path, size: int) -> None:
    path = save(tmp_path, wav(fmt(), pcm(tones(16_000)), size))
    audio, flags = decode(path)
    assert len(audio) == 16_000
    assert likeness(audio) > 0.9999
    expected = {0: "header_size_missing", 0xFFFFFFFF: "header_size_missing", 4_000: "header_size_stale"}
    assert flags == (expected.get(size, "cut_short"),)


def test_a_list_behind_the_audio_is_not_played(tmp_path: Path) -> None:
    tail = chunk(b"LIST", b"INFO" + chunk(b"ICMT", b"\xff\x7f" * 4_000))
    audio, flags = decode(save(tmp_path, wav(fmt(), pcm(tones(16_000)), tail=tail)))
    assert (len(audio), flags) == (16_000, ())


def test_an_odd_chunk_before_the_audio_does_not_shift_it(tmp_path: Path) -> None:
    body = b"WAVE" + chunk(b"JUNK", b"odd") + chunk(b"fmt ", fmt()) + chunk(b"data", pcm(tones(16_000)))
    audio, _ = decode(save(tmp_path, b"RIFF" + struct.pack("<I", len(body)) + body))
    assert likeness(audio) > 0.9999


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    assert "call.wav is empty" in refusal(save(tmp_path, b""), EmptyRecording)


def test_a_header_alone_has_no_audio(tmp_path: Path) -> None:
    message = refusal(save(tmp_path, wav(fmt(), b"")), NoAudio)
    assert "no audio" in message
    assert "Look for the original" in message


@pytest.mark.parametrize("length", range(1, HEADER_BYTES))
def test_a_header_cut_anywhere_is_damaged(tmp_path: Path, length: int) -> None:
    message = refusal(save(tmp_path, wav(fmt(), pcm(tones(16_000)))[:length]), DamagedHeader)
    assert "header" in message
    assert "Look for the original" in message


def test_the_system_says_itself_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_recording(tmp_path / "missing.wav")


def test_a_tenth_of_a_second_is_decoded(tmp_path: Path) -> None:
    audio, _ = decode(save(tmp_path, wav(fmt(rate=44_100), pcm(tones(44_100, 0.1)))))
    assert len(audio) == 1_600


# What else may be a recording

CONTAINERS = [
    ("flac", "flac", 44_100, "stereo", "call.flac"),
    ("mp3", "libmp3lame", 44_100, "stereo", "call.mp3"),
    ("mp3", "libmp3lame", 16_000, "mono", "call.mp3"),
    ("ipod", "aac", 44_100, "mono", "call.m4a"),
    ("mp4", "aac", 48_000, "7.1", "call.mp4"),
    ("mp4", "alac", 48_000, "stereo", "call.m4a"),
    ("3gp", "libopencore_amrnb", 8_000, "mono", "call.3gp"),
    ("mov", "pcm_s16be", 44_100, "mono", "call.mov"),
    ("ogg", "vorbis", 44_100, "stereo", "call.ogg"),
    ("ogg", "libopus", 48_000, "mono", "call.opus"),
    ("webm", "libopus", 48_000, "stereo", "call.webm"),
    ("matroska", "aac", 48_000, "5.1", "call.mkv"),
    ("adts", "aac", 44_100, "mono", "call.aac"),
    ("aiff", "pcm_s24be", 44_100, "stereo", "call.aiff"),
    ("caf", "pcm_s16le", 44_100, "mono", "call.caf"),
    ("amr", "libopencore_amrnb", 8_000, "mono", "call.amr"),
    ("asf", "wmav2", 44_100, "stereo", "call.wma"),
]


@pytest.mark.parametrize(("container", "codec", "rate", "layout", "name"), CONTAINERS)
def test_every_container_gives_the_signal_back(
    tmp_path: Path, container: str, codec: str, rate: int, layout: str, name: str
) -> None:
    path = save(tmp_path, encoded(container, codec, rate, layout), name)
    with open_recording(path) as recording:
        duration = recording.duration_seconds
    audio, flags = decode(path)
    assert flags == ()
    assert len(audio) == pytest.approx(16_000, abs=1_700)  # the padding of the lossy ones
    assert likeness(audio, shift=1_600) > 0.9
    if codec != "vorbis":  # FFmpeg's own Vorbis encoder writes wrong times, and times are not used
        assert duration == pytest.approx(SECONDS, abs=0.11)


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    audio, _ = decode(save(tmp_path, encoded("flac", "flac", 16_000), "call.wav"))
    assert likeness(audio) > 0.9999


@pytest.mark.parametrize(
    ("container", "codec"), [("flac", "flac"), ("mp3", "libmp3lame"), ("adts", "aac"), ("wav", "pcm_s16le")]
)
def test_tags_before_and_behind_are_not_audio(tmp_path: Path, container: str, codec: str) -> None:
    content = encoded(container, codec, 16_000)
    tag = b"ID3\x04\0\0" + struct.pack(">I", 0x0100) + b"\xff\xfb\x90\x64" * 32
    plain, _ = decode(save(tmp_path, content))
    tagged, flags = decode(save(tmp_path, tag + content + b"TAG" + b" " * 125))
    assert flags in ((), ("header_size_stale",))
    assert len(tagged) == pytest.approx(len(plain), abs=64)


@pytest.mark.parametrize(
    ("container", "codec", "rates", "layouts"),
    [
        ("ogg", "libopus", (48_000, 24_000), ("stereo", "stereo")),
        ("ogg", "vorbis", (48_000, 48_000), ("stereo", "stereo")),
        ("adts", "aac", (44_100, 22_050), ("stereo", "mono")),
        ("adts", "aac", (16_000, 48_000), ("mono", "mono")),
    ],
)
def test_a_recording_is_heard_to_its_end_though_rate_or_channels_change(
    tmp_path: Path, container: str, codec: str, rates: tuple[int, int], layouts: tuple[str, str]
) -> None:
    parts = [encoded(container, codec, rate, layout) for rate, layout in zip(rates, layouts, strict=True)]
    audio, _ = decode(save(tmp_path, b"".join(parts)))
    assert len(audio) == pytest.approx(32_000, abs=3_400)
    assert likeness(audio[: len(audio) // 2], shift=1_600) > 0.9
    assert likeness(audio[-14_000:], 0.8, shift=3_000) > 0.9


@pytest.mark.parametrize(
    ("codec", "rates", "layouts"),
    [("libopus", (48_000, 48_000), ("stereo", "mono")), ("vorbis", (48_000, 22_050), ("stereo", "stereo"))],
)
def test_a_chained_ogg_that_ffmpeg_cannot_follow_is_flagged(
    tmp_path: Path, codec: str, rates: tuple[int, int], layouts: tuple[str, str]
) -> None:
    parts = [encoded("ogg", codec, rate, layout) for rate, layout in zip(rates, layouts, strict=True)]
    audio, flags = decode(save(tmp_path, b"".join(parts)))
    assert len(audio) >= 16_000
    assert flags == ("damaged_audio",)


def test_the_rest_of_a_frame_before_the_first_does_not_hide_an_mp3(tmp_path: Path) -> None:
    audio, _ = decode(save(tmp_path, encoded("mp3", "libmp3lame", 44_100)[1_000:], "stream.mp3"))
    assert len(audio) > 14_000


@pytest.mark.parametrize(
    ("container", "codec", "name"),
    [
        ("mp3", "libmp3lame", "a.mp3"),
        ("ogg", "libopus", "a.ogg"),
        ("flac", "flac", "a.flac"),
        ("adts", "aac", "a.aac"),
    ],
)
def test_damage_in_the_middle_costs_only_the_damaged_part(
    tmp_path: Path, container: str, codec: str, name: str
) -> None:
    content = bytearray(encoded(container, codec, 48_000, seconds=4))
    middle = len(content) // 2
    content[middle : middle + 2_000] = np.random.default_rng(1).bytes(2_000)
    audio, _ = decode(save(tmp_path, bytes(content), name))
    assert 3 * 16_000 <= len(audio) < 4.2 * 16_000  # an Ogg page holds a second
    assert likeness(audio[:16_000], shift=800) > 0.9


def test_undecodable_packets_are_flagged(tmp_path: Path) -> None:
    content = bytearray(encoded("ipod", "aac", 48_000, seconds=4))
    start = content.index(b"mdat") + len(content) // 3
    content[start : start + 6_000] = b"\xff" * 6_000
    audio, flags = decode(save(tmp_path, bytes(content), "call.m4a"))
    assert flags == ("damaged_audio",)
    assert 2 * 16_000 < len(audio) < 4.2 * 16_000


@pytest.mark.parametrize(("container", "codec", "name"), [(c[0], c[1], c[4]) for c in CONTAINERS])
def test_a_file_cut_in_half_ends_in_audio_or_an_explanation(
    tmp_path: Path, container: str, codec: str, name: str
) -> None:
    rate = 8_000 if "amr" in codec else 48_000
    content = encoded(container, codec, rate, "mono" if "amr" in codec else "stereo")
    for length in (5, 20, 60, len(content) // 2, len(content) - 3):
        path = save(tmp_path, content[:length], name)
        try:
            audio, _ = decode(path)
        except BadRecording:
            continue
        assert len(audio) < 18_000


@pytest.mark.parametrize(
    ("container", "codec"),
    [("flac", "flac"), ("matroska", "aac"), ("webm", "libopus"), ("aiff", "pcm_s16be"), ("caf", "pcm_s16le")],
)
def test_an_end_that_its_header_promises_and_that_is_missing_is_flagged(
    tmp_path: Path, container: str, codec: str
) -> None:
    content = encoded(container, codec, 48_000, seconds=4)
    whole, flags = decode(save(tmp_path, content))
    assert (len(whole), flags) == (pytest.approx(64_000, abs=1_700), ())
    for kept in (0.25, 0.5, 0.75):
        audio, flags = decode(save(tmp_path, content[: int(len(content) * kept)]))
        assert len(audio) < 60_000
        assert flags in (("cut_short",), ("damaged_audio",))


def test_a_flac_that_ends_between_two_frames_is_flagged(tmp_path: Path) -> None:
    content = encoded("flac", "flac", 16_000, seconds=4)
    frames = [at for at in range(len(content)) if content[at : at + 2] == b"\xff\xf8"]
    audio, flags = decode(save(tmp_path, content[: frames[len(frames) // 2]]))
    assert len(audio) < 60_000
    assert flags == ("cut_short",)


@pytest.mark.parametrize("container", ["matroska", "mp4"])
def test_a_picture_that_goes_on_longer_than_its_sound_is_not_cut_short(
    tmp_path: Path, container: str
) -> None:
    _, flags = decode(save(tmp_path, video(container, with_sound=True, picture_seconds=5)))
    assert flags == ()


def test_a_pause_that_holds_no_audio_is_silence_and_not_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "call.mka"
    with av.open(str(path), "w", format="matroska") as output:
        stream = output.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for at in (0, 1, 8, 9):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts = 16_000, at * 16_000
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with open_recording(path) as recording:
        assert recording.duration_seconds == pytest.approx(10, abs=0.1)
    audio, flags = decode(path)
    assert (len(audio), flags) == (160_000, ("gaps_filled",))


def test_a_tag_that_claims_a_part_of_the_audio_is_flagged(tmp_path: Path) -> None:
    content = encoded("mp3", "libmp3lame", 44_100, seconds=4)
    content = content[content.index(b"\xff\xfb") :]  # without the encoder's own tag
    head, text = b"ID3\x04\0\0\0\0", bytes(128)
    assert decode(save(tmp_path, head + b"\1\0" + text + content))[1] == ()
    assert decode(save(tmp_path, head + b"\1\0" + text + bytes(700) + content))[1] == ()  # room behind it
    between = 0
    while between < 12_000:
        between += frame_bytes(content[between : between + 4])
    for claimed in (12_288, between + len(text)):  # within a frame, and between two of them
        size = bytes((claimed >> 7 & 0x7F, claimed & 0x7F))
        audio, flags = decode(save(tmp_path, head + size + text + content))
        assert len(audio) < 60_000
        assert flags == ("damaged_audio",)


def test_too_little_memory_is_not_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        """A container of FFmpeg's that gets no memory: nothing real fails with that and nothing else."""

        def demux(self, _: object) -> Iterator[Never]:
            raise av.error.MemoryError(12, "Cannot allocate memory")

        def close(self) -> None: ...

    with open_recording(save(tmp_path, wav(fmt(), pcm(tones(16_000))))) as recording:
        (track,) = recording._parts[0].tracks
        track.container.close()
        track.container = Full()  # type: ignore[assignment]
        monkeypatch.setattr(memory, "is_short", lambda: True)
        with pytest.raises(MemoryError):
            list(recording.blocks())
        monkeypatch.setattr(memory, "is_short", lambda: False)  # then it was the file that asked for too much
        with pytest.raises(NotARecording):
            list(recording.blocks())


def test_a_video_without_sound_has_no_audio_track(tmp_path: Path) -> None:
    path = tmp_path / "screen.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode(None))
    assert "no audio track" in refusal(path, NoAudio)


# What is no recording


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"Minutes of the call\n1. Welcome\n" * 9, "text"),
        ("Übergrößenträger – née\n".encode() * 900, "text"),
        ("minutes".encode("utf-16"), "text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(99), "a PNG picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(99), "a JPEG picture"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"PK\x03\x04" + bytes(99), "a ZIP archive"),
        (b"%PDF-1.7\n" + bytes(99), "a PDF document"),
        (b"\0\0\0\x1cftypheic" + bytes(99), "picture"),
        (bytes(5_000), "data of an unknown kind"),
        (b"\xff" * 5_000, "data of an unknown kind"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "a playlist or script"),
    ],
)
def test_what_is_no_recording_is_called_what_it_is(tmp_path: Path, content: bytes, what: str) -> None:
    message = refusal(save(tmp_path, content), NotARecording)
    assert message.startswith("call.wav seems to be ")
    assert what in message
    assert "WAV, FLAC" in message


def test_random_bytes_are_never_a_crash(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    starts = [b"fLaC", b"OggS", b"\x1aE\xdf\xa3", b"\0\0\0\x18ftypM4A ", b"FORM\0\0\1\0AIFF", b"caff"]
    starts += [b"0&\xb2u\x8ef\xcf\x11", b"\xff\xf1P\x80", b"ID3\x04\0\0\0\0\0\x05", b"\xff\xfb\x90\x64", b""]
    for start in starts:
        message = refusal(save(tmp_path, start + random.bytes(20_000)))
        assert "call.wav" in message


# Bounded time, bounded memory


@settings(max_examples=150, deadline=2_000, suppress_health_check=[HealthCheck.too_slow])
@given(position=st.integers(0, HEADER_BYTES - 1), garbage=st.binary(min_size=1, max_size=8))
def test_any_damage_to_a_header_ends_in_audio_or_an_explanation(position: int, garbage: bytes) -> None:
    content = wav(fmt(), pcm(tones(16_000, 0.25)))
    damaged = content[:position] + garbage + content[position + len(garbage) :]
    with tempfile.TemporaryDirectory() as folder:
        path = save(Path(folder), damaged)
        try:
            with open_recording(path) as recording:
                for block in recording.blocks():
                    assert np.abs(block).max() <= 1
        except BadRecording:
            return


def test_packets_of_a_single_frame_take_no_longer_than_they_must(tmp_path: Path) -> None:
    content = bytearray(encoded("caf", "pcm_s16le", 44_100, seconds=2))
    content[43] = 192  # frames in a packet, which then holds only one
    began = time.process_time()
    audio, _ = decode(save(tmp_path, bytes(content)))
    assert len(audio) == 32_000
    assert time.process_time() - began < 10


def test_a_damaged_file_that_points_behind_any_end_is_no_error_of_the_system(tmp_path: Path) -> None:
    content = bytearray(encoded("asf", "wmav2", 44_100, "stereo"))
    read = refused = 0
    for at in range(0, 600, 7):
        damaged = content[:at] + b"\xff" * 7 + content[at + 7 :]
        try:
            with open_recording(save(tmp_path, damaged)) as recording:
                frames = sum(len(block) for block in recording.blocks())
        except BadRecording:
            refused += 1
        else:
            read += 1
            assert frames <= 2 * SAMPLE_RATE_HZ or recording.flags
    assert read > 0 < refused


MEASURE = """
import resource, sys
from pathlib import Path
from transcribe_worker.media.recording import open_recording
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, frames = peak(), 0
with open_recording(Path(sys.argv[1])) as recording:
    for block in recording.blocks():
        assert block.size <= 16_000 * 10
        frames += block.size
print(frames, peak() - before)
"""


def test_an_hour_is_decoded_in_constant_memory(tmp_path: Path) -> None:
    path = save(tmp_path, wav(fmt(rate=8_000), b"", 0xFFFFFFFF))
    os.truncate(path, HEADER_BYTES + 3_600 * 16_000)
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, path], cwd=ROOT, text=True, capture_output=True, check=True
    )
    frames, kibibytes = map(int, ran.stdout.split())
    assert frames == 3_600 * SAMPLE_RATE_HZ
    assert kibibytes < 30_000
    assert time.monotonic() - began < 20
