"""The WAV that is being recorded, and what is left of it when its recorder dies or its disk is full."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import wave
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_worker.disk import DiskThread, recording_error
from capture_worker.wav import WavWriter, repair
from shared.errors import DiskFull, OffhookError
from shared.recording_wav import HEADER_BYTES, RATE_HZ, RF64_FROM_BYTES, header
from transcribe_worker.media.riff import WavLayout, is_whole, read_layout

ROOT = Path(__file__).parents[2]
GIB = 2**30
ONE_CHANNEL, A_CHANNEL_EACH = 1, 2
SECOND_BYTES = 2 * RATE_HZ


def pcm(frames: int, channels: int = ONE_CHANNEL, seed: int = 1) -> bytes:
    """Frames of noise, none of which is silent."""
    return np.random.default_rng(seed).integers(1, 2**15, frames * channels).astype("<i2").tobytes()


def audio_of(path: Path, channels: int = ONE_CHANNEL) -> bytes:
    """The audio, by way of the standard library, which goes by the header."""
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (RATE_HZ, 2, channels)
        return file.readframes(file.getnframes())


def layout_of(path: Path) -> WavLayout:
    with path.open("rb") as file:
        layout = read_layout(file, path.stat().st_size)
    assert layout is not None
    return layout


def killed(path: Path, *written: bytes, channels: int = ONE_CHANNEL, synced: int = 0) -> Path:
    """What a recorder leaves that was killed after writing this, the first so many pieces synced."""
    writer = WavWriter(path, channels)
    for number, piece in enumerate(written, start=1):
        writer.write(piece)
        if number <= synced:
            writer.sync()
    writer._file.close()  # as the kernel does for the dead
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "call.wav.part"


# While it is written


@pytest.mark.parametrize("channels", [ONE_CHANNEL, A_CHANNEL_EACH])
def test_the_recording_is_whole_and_playable_after_every_sync(path: Path, channels: int):
    pieces = [pcm(frames, channels, seed=frames) for frames in (320, 1, 16_000, 7)]

    with closing(WavWriter(path, channels)) as writer:
        for number, piece in enumerate(pieces, start=1):
            writer.write(piece)
            writer.sync()

            assert audio_of(path, channels) == b"".join(pieces[:number])
            assert is_whole(path)
            assert (layout_of(path).channels, layout_of(path).data_offset) == (channels, HEADER_BYTES)
            assert layout_of(path).duration_seconds == pytest.approx(writer.seconds)


def test_what_is_closed_is_whole(path: Path):
    with closing(WavWriter(path, ONE_CHANNEL)) as writer:
        writer.write(pcm(500))

    assert audio_of(path) == pcm(500)
    assert is_whole(path)
    assert path.stat().st_size == HEADER_BYTES + 1_000


def test_between_two_syncs_all_audio_is_in_the_file_and_the_header_is_a_little_behind(path: Path):
    with closing(WavWriter(path, ONE_CHANNEL)) as writer:
        writer.write(pcm(160))
        writer.sync()
        writer.write(pcm(320))

        assert not is_whole(path)
        assert layout_of(path).flags == ("header_size_stale",)
        assert layout_of(path).data_bytes == 960


def test_a_recording_of_nothing_is_a_wav_of_nothing(path: Path):
    WavWriter(path, ONE_CHANNEL).close()

    assert audio_of(path) == b""


def test_a_file_that_is_there_is_never_written_over(path: Path):
    path.write_bytes(b"somebody's call")

    with pytest.raises(FileExistsError):
        WavWriter(path, ONE_CHANNEL)
    assert path.read_bytes() == b"somebody's call"


def test_a_folder_that_is_not_there_is_an_error_that_names_it(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="missing"):
        WavWriter(tmp_path / "missing" / "call.wav", ONE_CHANNEL)


# Repair


@pytest.mark.parametrize("channels", [ONE_CHANNEL, A_CHANNEL_EACH])
@pytest.mark.parametrize("synced", [0, 1, 2])
@pytest.mark.parametrize("torn", [0, 1, 3])
def test_a_recorder_that_was_killed_leaves_all_whole_frames(
    path: Path, channels: int, synced: int, torn: int
):
    first, second = pcm(1_600, channels, seed=1), pcm(800, channels, seed=2)
    killed(path, first, second, channels=channels, synced=synced)
    with path.open("ab") as file:
        file.write(b"\x7f" * torn)
    torn_frames = torn // (2 * channels)

    seconds = repair(path, channels)

    assert seconds == (2_400 + torn_frames) / RATE_HZ
    assert audio_of(path, channels) == first + second + b"\x7f" * (torn_frames * 2 * channels)
    assert is_whole(path)


@given(frames=st.integers(1, 300), torn=st.integers(0, 3), stated=st.integers(0, 2_000))
def test_whatever_the_header_says_repair_leaves_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, frames: int, torn: int, stated: int
):
    path = tmp_path_factory.getbasetemp() / "any.wav"
    audio = pcm(frames, A_CHANNEL_EACH)
    path.write_bytes(header(A_CHANNEL_EACH, 4 * stated) + audio + b"\x7f" * torn)

    assert repair(path, ONE_CHANNEL) == frames / RATE_HZ
    assert audio_of(path, A_CHANNEL_EACH) == audio
    assert is_whole(path)


@pytest.mark.parametrize("channels", [ONE_CHANNEL, A_CHANNEL_EACH])
def test_a_header_that_a_power_cut_has_emptied_is_written_anew(path: Path, channels: int):
    killed(path, pcm(900, channels), channels=channels)
    with path.open("r+b") as file:
        file.write(bytes(HEADER_BYTES))

    assert repair(path, channels) == 900 / RATE_HZ
    assert audio_of(path, channels) == pcm(900, channels)
    assert is_whole(path)


def test_a_header_says_better_than_anybody_how_many_channels_there_are(path: Path):
    killed(path, pcm(900, A_CHANNEL_EACH), channels=A_CHANNEL_EACH, synced=1)

    assert repair(path, ONE_CHANNEL) == 900 / RATE_HZ
    assert audio_of(path, A_CHANNEL_EACH) == pcm(900, A_CHANNEL_EACH)


def test_what_needs_no_repair_stays_as_it_is(path: Path):
    with closing(WavWriter(path, ONE_CHANNEL)) as writer:
        writer.write(pcm(2_000))
    before = path.read_bytes()

    assert repair(path, ONE_CHANNEL) == repair(path, ONE_CHANNEL) == 2_000 / RATE_HZ
    assert path.read_bytes() == before


@pytest.mark.parametrize("size_bytes", [0, 1, 43, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 1])
def test_a_recorder_that_died_before_its_first_frame_has_left_no_audio(path: Path, size_bytes: int):
    path.write_bytes((header(ONE_CHANNEL, 0) + b"\x7f")[:size_bytes])

    assert repair(path, ONE_CHANNEL) == 0.0


def test_half_a_frame_of_a_channel_each_is_no_audio(path: Path):
    path.write_bytes(header(A_CHANNEL_EACH, 0) + b"\x7f\x7f")

    assert repair(path, A_CHANNEL_EACH) == 0.0


def test_what_is_gone_cannot_be_repaired(path: Path):
    with pytest.raises(FileNotFoundError):
        repair(path, ONE_CHANNEL)


# Beyond 4 GiB


@given(frames=st.integers(1, 2**40) | st.integers(-50, 50).map(lambda more: RF64_FROM_BYTES // 4 + more))
@pytest.mark.parametrize("channels", [ONE_CHANNEL, A_CHANNEL_EACH])
def test_a_header_says_the_size_of_any_length(channels: int, frames: int):
    data_bytes = frames * channels * 2
    start = header(channels, data_bytes)

    layout = read_layout(io.BytesIO(start), len(start) + data_bytes)

    assert layout is not None
    assert (layout.data_bytes, layout.flags, layout.is_whole) == (data_bytes, (), True)
    assert layout.form == ("RF64" if HEADER_BYTES + data_bytes >= RF64_FROM_BYTES else "RIFF")
    assert (layout.channels, layout.sample_rate_hz) == (channels, RATE_HZ)
    assert len(start) == layout.data_offset == HEADER_BYTES


@pytest.fixture
def growing(path: Path) -> WavWriter:
    """A recording that has become nearly 4 GiB long, most of it a hole in the file."""
    writer = WavWriter(path, ONE_CHANNEL)
    writer.data_bytes = RF64_FROM_BYTES - HEADER_BYTES - 10
    writer._file.truncate(HEADER_BYTES + writer.data_bytes)
    writer.sync()
    if getattr(path.stat(), "st_blocks", 0) * 512 > GIB:
        writer._file.close()
        path.unlink()
        pytest.skip("files cannot have holes here")
    return writer


def test_a_recording_that_grows_beyond_4_gib_becomes_an_rf64_of_the_right_size(
    path: Path, growing: WavWriter
):
    assert (layout_of(path).form, is_whole(path)) == ("RIFF", True)
    growing.write(pcm(100))
    growing.sync()
    assert (layout_of(path).form, is_whole(path)) == ("RF64", True)
    growing.write(pcm(20 * RATE_HZ))
    growing.close()

    layout = layout_of(path)
    assert (layout.form, layout.is_whole) == ("RF64", True)
    assert layout.data_bytes == RF64_FROM_BYTES - HEADER_BYTES - 10 + 200 + 20 * SECOND_BYTES > 2**32
    with path.open("rb") as file:
        file.seek(-20 * SECOND_BYTES, 2)
        assert file.read() == pcm(20 * RATE_HZ)


@pytest.mark.parametrize("emptied", [False, True])
def test_a_recording_beyond_4_gib_is_repaired_to_its_full_length(
    path: Path, growing: WavWriter, emptied: bool
):
    growing.write(pcm(20 * RATE_HZ) + b"\x7f")
    growing._file.close()
    if emptied:
        with path.open("r+b") as file:
            file.write(bytes(HEADER_BYTES))

    seconds = repair(path, ONE_CHANNEL)

    data_bytes = RF64_FROM_BYTES - HEADER_BYTES - 10 + 20 * SECOND_BYTES
    assert seconds == data_bytes / SECOND_BYTES
    assert (layout_of(path).form, is_whole(path)) == ("RF64", True)
    assert layout_of(path).data_bytes == data_bytes
    assert repair(path, A_CHANNEL_EACH) == seconds


# When there is no room


RECORDER = """
import json, resource, sys
from pathlib import Path
from capture_worker.disk import DiskThread
from capture_worker.wav import WavWriter

path, channels, room, piece = Path(sys.argv[1]), *map(int, sys.argv[2:])
disk = DiskThread(WavWriter(path, channels))
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
disk.start()
for number in range(40):
    disk.put(bytes([number + 1]) * piece)
disk.close()
print(json.dumps([type(disk.error).__name__, str(disk.error), disk.seconds]))
"""


def recorded_with_room_for(path: Path, channels: int, room_bytes: int, piece_bytes: int) -> list[str | float]:
    """Record 40 pieces into a file that may not become larger: error, message and seconds."""
    command = [sys.executable, "-c", RECORDER, path, channels, room_bytes, piece_bytes]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    outcome: list[str | float] = json.loads(done.stdout)
    return outcome


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sets no limit to the size of a file")
@pytest.mark.parametrize("channels", [ONE_CHANNEL, A_CHANNEL_EACH])
@pytest.mark.parametrize("more_bytes", [0, 1, 2, 1_001])
def test_a_full_disk_leaves_a_playable_file_of_whole_frames_and_says_so(
    path: Path, channels: int, more_bytes: int
):
    piece = 3_200 * channels

    error, message, seconds = recorded_with_room_for(
        path, channels, HEADER_BYTES + 7 * piece + more_bytes, piece
    )

    assert error == "DiskFull"
    assert "disk is full" in str(message)
    audio = audio_of(path, channels)
    assert audio[: 7 * piece] == b"".join(bytes([number + 1]) * piece for number in range(7))
    assert audio[7 * piece :] == b"\x08" * (len(audio) - 7 * piece)
    assert len(audio) / (SECOND_BYTES * channels) == seconds
    assert is_whole(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sets no limit to the size of a file")
def test_a_disk_with_just_enough_room_is_not_full(path: Path):
    outcome = recorded_with_room_for(path, ONE_CHANNEL, HEADER_BYTES + 40 * 3_200, 3_200)

    assert outcome == ["NoneType", "None", 4.0]


def test_a_disk_thread_writes_all_that_it_was_given_in_order(path: Path):
    disk = DiskThread(WavWriter(path, ONE_CHANNEL))
    pieces = [pcm(160, seed=seed) for seed in range(200)]
    disk.start()
    for piece in pieces:
        disk.put(piece)
    disk.close()

    assert disk.error is None
    assert disk.seconds == 2.0
    assert audio_of(path) == b"".join(pieces)


def test_each_second_of_a_recording_is_synced(path: Path):
    moments = iter(np.arange(0, 100, 0.5))  # as if each question took half a second
    writer = WavWriter(path, ONE_CHANNEL)
    disk = DiskThread(writer, monotonic=lambda: float(next(moments)))
    synced_bytes: list[int] = []
    sync = writer.sync

    def noted_sync() -> None:
        synced_bytes.append(writer.data_bytes)
        sync()

    writer.sync = noted_sync  # type: ignore[method-assign]
    disk.start()
    for _ in range(9):
        disk.put(pcm(160))
    disk.close()

    assert len(synced_bytes) >= 4
    assert synced_bytes[-1] == 9 * 320


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EFBIG, DiskFull),
        (errno.EIO, OffhookError),
        (errno.ENODEV, OffhookError),
    ],
)
def test_a_disk_error_is_put_into_words(code: int, expected: type[OffhookError]):
    error = recording_error(OSError(code, "the words of the system"), Path("call.part"))

    assert type(error) is expected
    assert str(error)
    named = "call.part cannot be written: the words of the system" in str(error)
    assert named == (expected is OffhookError)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_a_recording_is_its_owners_alone_in_a_program_that_lets_everybody_read(tmp_path: Path):
    before = os.umask(0)
    try:
        WavWriter(tmp_path / "call.part", ONE_CHANNEL).close()
    finally:
        os.umask(before)

    assert (tmp_path / "call.part").stat().st_mode & 0o777 == 0o600
