"""Recordings that are read while the recorder writes them: the samples are those of the finished file."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from capture_worker.wav import WavWriter
from shared.errors import (
    DamagedHeader,
    EmptyRecording,
    NoAudio,
    NotARecording,
    OffhookError,
    TooLarge,
    TooLong,
)
from shared.recording_wav import HEADER_BYTES, RF64_FROM_BYTES, header
from transcribe_worker.media.flags import CHANNELS_OPPOSED
from transcribe_worker.media.growing import GrowingFile, GrowingRecording, open_growing
from transcribe_worker.media.limits import RecordingLimits
from transcribe_worker.media.recording import Recording, open_recording
from transcribe_worker.media.resampling import SAMPLE_RATE_HZ

ROOT = Path(__file__).parents[2]
MONO, SPLIT = 1, 2
#: Frames of each second's piece; none is a multiple of a block.
PIECES = (16_001, 15_999, 1, 7, 31_999, 12_345, 8_000, 16_384, 16_385, 3)
Read = Callable[[Recording | GrowingRecording], Iterator[NDArray[np.float32]]]
READERS: dict[str, Read] = {"blocks": lambda it: it.blocks(), "pairs": lambda it: it.pairs()}


def noise(frames: int, channels: int = MONO, seed: int = 1) -> bytes:
    """Frames of noise over the whole range of 16 bits."""
    samples = np.random.default_rng(seed).integers(-(2**15), 2**15, (frames, channels))
    return samples.astype("<i2").tobytes()


def opposed(frames: int, seed: int) -> bytes:
    """Noise on one channel, and nearly its inverse on the other."""
    left = np.random.default_rng(seed).integers(-20_000, 20_000, frames)
    return np.stack([left, -left + left // 10], axis=1).astype("<i2").tobytes()


class Recorder:
    """The recorder's file; each call writes another piece, and the one after the last closes the file."""

    def __init__(self, path: Path, channels: int, *pieces: bytes) -> None:
        self.writer, self.pieces = WavWriter(path, channels), list(pieces)
        self.calls = 0

    def __call__(self) -> bool:
        self.calls += 1
        if self.pieces:
            self.writer.write(self.pieces.pop(0))
            self.writer.sync()
            return True
        self.writer.close()
        return False


def joined(blocks: Iterator[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(list(blocks), axis=-1)


def ended() -> bool:
    return False


def never() -> bool:
    raise AssertionError("It waits although there is something to read.")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "call.wav.part"


# The same samples


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("channels", [MONO, SPLIT])
@pytest.mark.parametrize(
    "pieces", [PIECES, PIECES[::-1], (1,), (16_384 * 2,)], ids=["", "turned", "1", "whole"]
)
def test_the_samples_are_bit_for_bit_those_of_the_finished_file(
    path: Path, read: Read, channels: int, pieces: tuple[int, ...]
) -> None:
    recorder = Recorder(path, channels, *(noise(frames, channels, seed=frames) for frames in pieces))
    with open_growing(path, recorder) as growing:
        live = joined(read(growing))
        assert growing.duration_seconds is None
        assert growing.has_two_channels is (channels == SPLIT)
    with open_recording(path) as finished:
        batch = joined(read(finished))
        assert finished.has_two_channels is (channels == SPLIT)
        assert growing.flags == finished.flags
    assert (live.dtype, live.shape) == (batch.dtype, batch.shape)
    assert live.tobytes() == batch.tobytes()


def test_channels_that_cancel_for_a_while_are_mixed_as_in_the_finished_file(path: Path) -> None:
    """Whether they cancel is decided for each block: so the blocks must be the same."""
    pieces = [noise(41_001, SPLIT), opposed(3_001, 2), noise(20_000, SPLIT, 3), opposed(30_007, 4)]
    with open_growing(path, Recorder(path, SPLIT, *pieces)) as growing:
        live = joined(growing.blocks())
        flags = growing.flags
    with open_recording(path) as finished:
        assert live.tobytes() == joined(finished.blocks()).tobytes()
        assert flags == finished.flags == (CHANNELS_OPPOSED,)


def test_a_recording_can_be_read_a_second_time_from_the_beginning(path: Path) -> None:
    with open_growing(path, Recorder(path, SPLIT, noise(50_000, SPLIT))) as growing:
        pairs = joined(growing.pairs())
        growing._wait = ended
        assert joined(growing.blocks()).tobytes() == pairs.mean(axis=0, dtype=np.float32).tobytes()


def test_blocks_are_half_a_second_long_and_come_as_soon_as_they_are_whole(path: Path) -> None:
    recorder = Recorder(path, MONO, *(noise(SAMPLE_RATE_HZ // 4) for _ in range(5)))
    with open_growing(path, recorder) as growing:
        seen = [(len(block), recorder.calls) for block in growing.blocks()]
    assert seen == [(8_000, 2), (8_000, 4), (4_000, 6)]


SLOW_RECORDER = """
    import random, sys
    from pathlib import Path
    from capture_worker.wav import WavWriter
    writer = WavWriter(Path(sys.argv[1]), 2)
    for number in range(300):
        writer.write(random.Random(number).randbytes(4 * (400 + number)))
        writer.sync()
    writer.close()
    Path(sys.argv[1]).rename(sys.argv[2])
"""


def test_a_recorder_in_another_process_is_followed_until_its_file_is_moved_away(
    path: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "Call.wav"
    command = [sys.executable, "-c", textwrap.dedent(SLOW_RECORDER), str(path), str(moved)]
    with subprocess.Popen(command, cwd=ROOT) as recorder:

        def wait() -> bool:
            try:
                recorder.wait(0.002)
            except subprocess.TimeoutExpired:
                return True
            return False

        deadline = time.monotonic() + 30
        while not path.exists() and not moved.exists() and time.monotonic() < deadline:
            wait()
        with open_growing(path, wait) as growing:
            live = joined(growing.pairs())
    with open_recording(moved) as finished:
        assert live.tobytes() == joined(finished.pairs()).tobytes()


# What the header promises


def test_audio_that_the_header_does_not_promise_yet_is_not_read(path: Path) -> None:
    recorder = Recorder(path, MONO, noise(16_000), noise(16_000, seed=2))
    with open_growing(path, recorder) as growing:
        blocks = growing.blocks()
        assert growing.frames_there == 0
        recorder()
        recorder.writer.write(noise(16_000, seed=3))  # a disk that is full from here on leaves a part of it
        assert growing.frames_there == 16_000
        first = [next(blocks), next(blocks)]
        recorder.writer.sync()
        assert growing.frames_there == 32_000
        read = joined(iter([*first, *blocks]))
    with open_recording(path) as finished:
        assert read.tobytes() == joined(finished.blocks()).tobytes()


def test_bytes_that_are_cut_off_at_the_end_were_never_read(path: Path) -> None:
    recorder = Recorder(path, SPLIT, noise(9_000, SPLIT))
    recorder()
    with path.open("ab") as file:
        file.write(noise(5_000, SPLIT)[:-1])  # what a full disk has taken of a write that failed
    with open_growing(path, recorder) as growing:
        assert joined(growing.pairs()).shape == (2, 9_000)
    assert path.stat().st_size == HEADER_BYTES + 9_000 * 4


def test_a_header_that_claims_more_than_there_is_ends_with_the_file(path: Path) -> None:
    path.write_bytes(header(MONO, 10_000_000) + noise(20_001) + b"\1")
    with open_growing(path, ended) as growing:
        assert growing.frames_there == 20_001
        assert joined(growing.blocks()).tobytes() == (
            (np.frombuffer(noise(20_001), "<i2") / 32_768).astype(np.float32).tobytes()
        )


def test_a_header_that_goes_back_is_waited_for(path: Path) -> None:
    sizes = iter([4_000, 16_000])
    path.write_bytes(header(MONO, 2 * 12_000) + noise(16_000))

    def wait() -> bool:
        size = next(sizes, None)
        if size is not None:
            with path.open("r+b") as file:
                file.write(header(MONO, 2 * size))
        return size is not None

    with open_growing(path, wait) as growing:
        lengths = [len(block) for block in growing.blocks()]
    assert lengths == [8_000, 8_000]


def test_a_file_that_becomes_shorter_ends_the_reading(path: Path) -> None:
    path.write_bytes(header(MONO, 2 * 40_000) + noise(40_000))

    with open_growing(path, ended) as growing:
        blocks = growing.blocks()
        next(blocks)
        os.truncate(path, HEADER_BYTES + 2 * 10_000 + 1)
        assert [len(block) for block in blocks] == [2_000]


@pytest.mark.parametrize(
    "half",
    [
        header(MONO, 2 * 9_000)[:4] + header(MONO, 2 * 90_000)[4:8] + header(MONO, 2 * 9_000)[8:],
        header(MONO, RF64_FROM_BYTES)[:30] + header(MONO, 2 * 9_000)[30:],
    ],
    ids=["another size", "half an RF64"],
)
def test_a_header_that_is_half_written_changes_nothing(path: Path, half: bytes) -> None:
    path.write_bytes(header(MONO, 2 * 8_000) + noise(9_000))
    with open_growing(path, ended) as growing:
        with path.open("r+b") as file:
            file.write(half)
        assert growing.frames_there == 8_000


def test_a_recording_over_4_gib_is_read_to_its_end(path: Path) -> None:
    data_bytes = 2**32 + 2 * SAMPLE_RATE_HZ
    last = noise(7)
    with path.open("wb") as file:
        file.write(header(MONO, data_bytes - 4))
        file.truncate(HEADER_BYTES + data_bytes)
        file.seek(-len(last), os.SEEK_END)
        file.write(last)
    with path.open("rb") as file:
        growing = GrowingFile("call.wav", file, never)
        assert growing.frames_there == data_bytes // 2 - 2
        with path.open("r+b") as other:
            other.write(header(MONO, data_bytes))
        assert growing.frames_there == data_bytes // 2
        read = growing.samples(data_bytes // 2 - 8, 100)
    expected = np.concatenate([[0], np.frombuffer(last, "<i2")]) / 32_768
    assert read.tolist() == [expected.tolist()]


def test_a_recording_that_grows_over_4_gib_is_followed_from_riff_to_rf64(path: Path) -> None:
    with path.open("wb") as file:
        file.write(header(MONO, RF64_FROM_BYTES - HEADER_BYTES - 2))
        file.truncate(HEADER_BYTES + RF64_FROM_BYTES)
    with path.open("rb") as file:
        growing = GrowingFile("call.wav", file, never)
        before = growing.frames_there
        with path.open("r+b") as other:
            other.write(header(MONO, RF64_FROM_BYTES))
        assert growing.frames_there - before == HEADER_BYTES // 2 + 1


# Opening


def test_a_file_that_was_just_created_is_opened_once_it_has_its_header(path: Path) -> None:
    whole = header(SPLIT, 0)
    steps = iter([whole[:20], whole[20:]])
    path.touch()

    def wait() -> bool:
        step = next(steps, None)
        if step is not None:
            with path.open("ab") as file:
                file.write(step)
        return step is not None

    with open_growing(path, wait) as growing:
        assert growing.has_two_channels


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", EmptyRecording),
        (header(MONO, 0)[:50], DamagedHeader),
        (b"RIFF", DamagedHeader),
        (b"no recording at all", NotARecording),
        (bytes(100), NotARecording),
        (b"RIFF\0\0\0\0AVI " + bytes(100), NotARecording),
        (header(MONO, 0, rate_hz=44_100), DamagedHeader),
        (header(3, 0), DamagedHeader),
        (header(MONO, 0)[:-8] + b"LIST\0\0\0\0", DamagedHeader),
    ],
)
def test_what_is_no_recording_of_the_recorder_is_refused(
    path: Path, content: bytes, error: type[OffhookError]
) -> None:
    path.write_bytes(content)
    with pytest.raises(error, match=r"call\.wav\.part"):
        open_growing(path, ended)


def test_a_recording_that_ends_without_audio_has_none(path: Path) -> None:
    with open_growing(path, Recorder(path, MONO)) as growing, pytest.raises(NoAudio):
        next(growing.blocks())
    with pytest.raises(NoAudio):
        open_recording(path)


def test_a_file_that_is_not_there_is_missed(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_growing(path, never)


@pytest.mark.timeout(20)
@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_pipe_a_folder_or_a_link_in_its_place_is_refused_at_once(path: Path, tmp_path: Path) -> None:
    os.mkfifo(path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "whole.wav").write_bytes(header(MONO, 0))
    (tmp_path / "link").symlink_to(tmp_path / "whole.wav")
    for name in (path.name, "folder", "link"):
        with pytest.raises(NotARecording, match="not a regular file"):
            open_growing(tmp_path / name, never)


def test_the_limits_of_a_recording_hold_while_it_grows(path: Path) -> None:
    path.write_bytes(header(MONO, 2 * 100_000) + noise(100_000))
    limits = {
        TooLong: RecordingLimits(longest_hours=2 / 3_600),
        TooLarge: RecordingLimits(largest_file_gb=64_100e-9),
    }
    for error, limit in limits.items():
        with open_growing(path, never, limit) as growing:
            blocks = growing.blocks()
            assert [len(next(blocks)) for _ in range(4)] == [8_000] * 4
            with pytest.raises(error):
                next(blocks)
