"""Files that come slowly, change, vanish, come twice or are no recordings, in an inbox that is watched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from shared.files import sha256_of
from shared.recording_wav import HEADER_BYTES, header
from tests import looks
from tests.stage import Stage
from tests.standstill import under_way
from tests.voices import (
    SAMPLE_RATE_HZ,
    SHORT_CALL,
    Call,
    again_and_again,
    speak,
    word_error_rate,
    write_wav,
)

GREETING, QUESTION, ANSWER, PROMISE = SHORT_CALL[:1], SHORT_CALL[2:3], SHORT_CALL[3:4], SHORT_CALL[4:]
MOST_EVENTS = Path("/proc/sys/fs/inotify/max_queued_events")
BIG_BYTES = 2**29
posix_only = pytest.mark.skipif(os.name == "nt", reason="needs signals, links and pipes")

#: Copies a file as a slow network does: in pieces, the last after a pause; says when it wrote each.
COPIES_SLOWLY = """
import sys, time
from pathlib import Path
source, target, pause_seconds, how = sys.argv[1:]
content = Path(source).read_bytes()
step = len(content) // 8 + 1
file = open(target, "wb", buffering=0)
if how == "at full length":
    file.truncate(len(content))
for start in range(0, len(content), step):
    if start + step >= len(content):
        time.sleep(float(pause_seconds))
    if how == "closed in between":
        file.close()
        file = open(target, "ab", buffering=0)
    print(time.time(), flush=True)
    file.write(content[start : start + step])
    time.sleep(0.3)
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, int]]:
    """A home in which the inbox is watched and a worker transcribes, and the watcher's process number."""
    stage = Stage(tmp_path_factory.mktemp("inbox") / "home")
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox") as watcher:
        stage.wait_for(lambda: {"worker", "inbox"} <= set(stage.running()), "worker and inbox")
        yield stage, watcher.pid


@pytest.fixture
def offhook(watched: tuple[Stage, int]) -> Stage:
    return watched[0]


@pytest.fixture
def watcher(watched: tuple[Stage, int]) -> int:
    return watched[1]


@pytest.fixture
def aside(tmp_path: Path) -> Path:
    """A folder beside the inbox."""
    folder = tmp_path / "aside"
    folder.mkdir()
    return folder


def wav(path: Path, call: Call) -> Path:
    write_wav(path, call.samples)
    return path


def assert_heard(stage: Stage, record: dict[str, Any], call: Call) -> None:
    """The recording is completed, and its transcript has the words of the call."""
    assert (record["title"], record["status"], record["error"]) == (record["title"], "completed", None)
    text = stage.text(record)
    assert word_error_rate(call.words, text) < 0.15, (record["title"], text)


# On its way


def test_a_slow_copy_is_untouched_until_it_is_whole(offhook: Stage, aside: Path) -> None:
    calls = {name: speak(QUESTION, seed=seed) for seed, name in enumerate(("held open", "at full length"))}
    calls |= {"closed in between": speak(QUESTION, seed=7), "without a length": speak(QUESTION, seed=8)}
    writers = {}
    for how, call in calls.items():
        source = wav(aside / f"{how}.wav", call)
        if how == "without a length":
            source = mp3(aside / f"{how}.mp3", call)
        # an inbox waits for 2 s without a change; what has no length of its own cannot ask for more
        pause_seconds = "1" if how == "without a length" else "3"
        command = [sys.executable, "-c", COPIES_SLOWLY, str(source), str(offhook.inbox / source.name)]
        writers[how] = subprocess.Popen([*command, pause_seconds, how], stdout=subprocess.PIPE, text=True)
    for how, writer in writers.items():
        said, _ = writer.communicate(timeout=60)
        record = offhook.finished(how)
        assert_heard(offhook, record, calls[how])
        last_write = float(said.split()[-1])
        assert datetime.fromisoformat(record["created_at"]).timestamp() > last_write - 0.001
        assert (record["flags"], record["attempts"]) == ([], 1)


def mp3(path: Path, call: Call) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(call.samples[np.newaxis], format="flt", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_recording_that_is_moved_in_or_renamed_from_a_temporary_name_is_taken(
    offhook: Stage, aside: Path
) -> None:
    names = ("moved in", "renamed", "downloaded")
    calls = {name: speak(ANSWER, seed=seed) for seed, name in enumerate(names)}
    wav(aside / "moved in.wav", calls["moved in"]).rename(offhook.inbox / "moved in.wav")
    for name, ending in (("renamed", ".tmp"), ("downloaded", ".part")):
        temporary = wav(offhook.inbox / f"{name}.wav{ending}", calls[name])
        time.sleep(0.2)  # its own events come and go
        temporary.rename(offhook.inbox / f"{name}.wav")
    for name, call in calls.items():
        record = offhook.finished(name)
        assert_heard(offhook, record, call)
        assert record["attempts"] == 1


def test_a_file_that_goes_before_it_was_whole_is_forgotten(offhook: Stage, aside: Path) -> None:
    call, other = speak(GREETING, seed=1), speak(GREETING, seed=2)
    whole = wav(aside / "interrupted.wav", call)
    begun = offhook.inbox / whole.name
    begun.write_bytes(whole.read_bytes()[:20_000])
    offhook.drop_call(other, "meanwhile.wav")
    offhook.finished("meanwhile")  # so that file was looked at, too
    assert offhook.record("interrupted") is None
    begun.unlink()
    offhook.drop_call(speak(GREETING, seed=3), "afterwards.wav")
    offhook.finished("afterwards")
    assert offhook.record("interrupted") is None
    assert begun.name not in str(offhook.read("status")["inbox"])
    offhook.drop(whole)
    assert_heard(offhook, offhook.finished("interrupted"), call)


# Replaced, copied, used again


def test_a_recording_that_is_replaced_while_it_is_transcribed_is_queued_again(
    offhook: Stage, short_call: Call, aside: Path
) -> None:
    call = speak(PROMISE, seed=4)
    other = wav(aside / "second thoughts.wav", call)
    sha256 = sha256_of(other)
    path = offhook.drop_call(again_and_again(short_call, 3), other.name)
    under_way(offhook, "second thoughts")
    other.replace(path)
    status, progress = looks.newest(offhook.database, "second thoughts") or ("", 0.0)
    assert (status, 0 < progress < 0.9) == ("processing", True)
    record = offhook.finished("second thoughts")
    assert_heard(offhook, record, call)
    assert record["sha256"] == sha256
    assert [other["title"] for other in offhook.records()].count("second thoughts") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
def test_a_recording_that_is_replaced_while_the_inbox_reads_it_is_taken_as_it_is_then(
    offhook: Stage, watcher: int, aside: Path
) -> None:
    call = speak(PROMISE, seed=5)
    small = wav(aside / "small.wav", call)
    sha256 = sha256_of(small)
    path = big_wav(aside / "big.wav").rename(offhook.inbox / "read.wav")
    stop_while_it_reads(watcher, path)
    try:
        small.replace(path)
    finally:
        os.kill(watcher, signal.SIGCONT)
    record = offhook.finished("read")
    assert_heard(offhook, record, call)
    assert (record["sha256"], record["attempts"]) == (sha256, 1)


def big_wav(path: Path) -> Path:
    """A whole WAV that takes a while to read; it is silent, and costs no time to write."""
    with path.open("wb") as file:
        file.write(header(1, BIG_BYTES))
        file.flush()
        os.posix_fallocate(file.fileno(), 0, HEADER_BYTES + BIG_BYTES)
    return path


def stop_while_it_reads(process_id: int, path: Path) -> None:
    """Stop a process that has a file open for a while."""
    deadline, seen = time.monotonic() + 30, 0
    while seen < 3:
        assert time.monotonic() < deadline, f"{path} was not read"
        seen = seen + 1 if path in open_files(process_id) else 0
        time.sleep(0.005)
    os.kill(process_id, signal.SIGSTOP)
    assert path in open_files(process_id)


def open_files(process_id: int) -> set[Path]:
    found = set()
    for handle in Path(f"/proc/{process_id}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            found.add(handle.readlink())
    return found


def test_a_copy_is_left_where_it_is_and_reported(offhook: Stage) -> None:
    call = speak(ANSWER, seed=11)
    offhook.drop_call(call, "original.wav")
    original = offhook.finished("original")
    copy = offhook.drop_call(call, "the same again.wav")
    offhook.wait_for(
        lambda: {"path": str(copy), "record_id": original["id"]} in offhook.read("status")["inbox"]["copies"],
        "the copy to be reported",
    )
    assert copy.exists()
    assert offhook.record("the same again") is None


def test_a_name_that_is_used_again_is_another_recording(offhook: Stage) -> None:
    calls = [speak(ANSWER, seed=12), speak(PROMISE, seed=13)]
    stems = []
    for count, call in enumerate(calls, start=1):
        offhook.drop_call(call, "Call.wav")
        record = offhook.wait_for(
            lambda count=count: len(found := archived(offhook, "Call")) == count and found[-1], "the library"
        )
        assert_heard(offhook, record, call)
        stems.append(record["transcript_stem"])
    assert [Path(stem).name for stem in stems] == ["Call", "Call (2)"]
    for stem, call in zip(stems, calls, strict=True):
        assert word_error_rate(call.words, Path(f"{stem}.txt").read_text()) < 0.15
        assert Path(f"{stem}.wav").exists()


def archived(stage: Stage, title: str) -> list[dict[str, Any]]:
    """The recordings of a title that have reached the library, the oldest first."""
    return [record for record in stage.records() if record["title"] == title and record["transcript_stem"]]


# Events that nobody saw


@pytest.mark.skipif(sys.platform != "linux", reason="needs inotify")
def test_a_recording_whose_event_was_lost_among_too_many_is_found(
    offhook: Stage, watcher: int, aside: Path
) -> None:
    call = speak(QUESTION, seed=14)
    restless = offhook.inbox / ".restless"
    restless.touch()
    os.kill(watcher, signal.SIGSTOP)
    try:
        for _ in range(int(MOST_EVENTS.read_text()) // 4 + 100):  # each rename is two events
            restless = restless.rename(offhook.inbox / ".moved").rename(offhook.inbox / ".restless")
        wav(aside / "unseen.wav", call).rename(offhook.inbox / "unseen.wav")
    finally:
        os.kill(watcher, signal.SIGCONT)
    restless.unlink()
    assert_heard(offhook, offhook.finished("unseen"), call)


def test_what_was_dropped_before_the_inbox_was_watched_is_found(stage: Stage) -> None:
    stage.drop_call(speak(QUESTION, seed=15), "early.wav")
    with stage.process("transcribe_worker.inbox"):
        record = stage.wait_for(lambda: stage.record("early"), "the early recording")
    assert (record["status"], record["source"]) == ("queued", "inbox")


# Names and kinds


@posix_only
def test_links_pipes_folders_and_hidden_or_temporary_files_are_left_alone(
    offhook: Stage, aside: Path
) -> None:
    elsewhere, before = wav(aside / "elsewhere.wav", speak(GREETING, seed=16)), set(offhook.inbox.rglob("*"))
    (offhook.inbox / "link.wav").symlink_to(elsewhere)
    (offhook.inbox / "dangling.wav").symlink_to(aside / "nowhere.wav")
    os.mkfifo(offhook.inbox / "pipe.wav")
    (offhook.inbox / "folder.wav").mkdir()
    for name in ("folder.wav/inside.wav", ".hidden.wav", "copying.wav.part", "copying.part", "copying.tmp"):
        shutil.copy(elsewhere, offhook.inbox / name)
    left = set(offhook.inbox.rglob("*")) - before
    known = {record["title"] for record in offhook.records()}
    offhook.drop_call(speak(GREETING, seed=17), "ordinary.wav")
    offhook.wait_for(lambda: archived(offhook, "ordinary"), "the library")
    assert {record["title"] for record in offhook.records()} - known == {"ordinary"}
    assert set(offhook.inbox.rglob("*")) == before | left
    troubles = offhook.read("status")["inbox"]
    named = {*troubles["unreadable"], *(copy["path"] for copy in troubles["copies"])}
    assert not named & {str(path) for path in left}


@posix_only
def test_any_name_comes_through_from_the_inbox_to_the_library(offhook: Stage, aside: Path) -> None:
    longest = "é" * 125 + "x"
    assert len(f"{longest}.wav".encode()) == 255
    names = ["-rf", "--help", "zwei\nZeilen", "名前 🎧", longest, "CON", "nul.txt", 'quote\'s "and" more']
    calls = {name: speak(GREETING, seed=30 + number) for number, name in enumerate(names)}
    for name, call in calls.items():
        wav(aside / "call.wav", call).rename(offhook.inbox / f"{name}.wav")
    for name, call in calls.items():
        (record,) = offhook.wait_for(lambda name=name: archived(offhook, name), "the library")
        assert record["attempts"] == 1
        stem = record["transcript_stem"]
        assert Path(f"{stem}.wav").exists()
        assert word_error_rate(call.words, Path(f"{stem}.txt").read_text()) < 0.15
