"""Files that are none, where offhook reads one: a pipe, a device, a folder, a huge file."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from shared.config_file import LONGEST_CONFIG_BYTES
from tests.stage import Stage
from tests.voices import SHORT_CALL, Call, speak

PATIENCE_SECONDS = 20
#: Messages that are no hints; one is of a type that the column should not have.
DAMAGED = (b"\x80\x04not json", b'["too", "short"]', b"7", b"", b"[" * 100_000, b"null", b'"text"', "text")
posix_only = pytest.mark.skipif(os.name == "nt", reason="needs pipes and devices with names")


def fifo(path: Path) -> None:
    """Make a pipe that nobody writes to."""
    os.mkfifo(path)


def device(path: Path) -> None:
    """Make a link to a device without end."""
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    """Make a folder."""
    path.mkdir()


def huge(path: Path) -> None:
    """Make a sparse file of 1 GB."""
    with path.open("wb") as file:
        file.truncate(1_000_000_000)


@posix_only
@pytest.mark.parametrize("make", [fifo, device, folder, huge])
@pytest.mark.parametrize("command", [("status",), ("doctor",), ("config",)], ids=" ".join)
def test_settings_that_are_no_text_file_are_an_error_at_once(
    stage: Stage, make: object, command: tuple[str]
) -> None:
    stage.home.mkdir()
    make(stage.home / "config.toml")
    done = stage.offhook(*command, timeout=PATIENCE_SECONDS)
    assert done.returncode == 1
    assert f"{stage.home / 'config.toml'}" in done.stdout + done.stderr
    assert "Move it away" in done.stdout + done.stderr


def test_a_settings_file_of_the_largest_size_is_read(stage: Stage) -> None:
    stage.home.mkdir()
    text = 'language = "de"\n'
    (stage.home / "config.toml").write_text(text + "#" * (LONGEST_CONFIG_BYTES - len(text)))
    assert stage.read("config")["settings"]["language"]["value"] == "de"


@posix_only
def test_a_stream_is_not_queued_and_the_remedy_is_named(stage: Stage, tmp_path: Path) -> None:
    fifo(tmp_path / "pipe.wav")
    for path in (tmp_path / "pipe.wav", Path("/dev/null"), Path("/dev/stdin")):
        with subprocess.Popen(["cat", "/dev/zero"], stdout=subprocess.PIPE) as source:
            done = stage.offhook("add", path, stdin=source.stdout, timeout=PATIENCE_SECONDS)
            source.kill()
        assert done.returncode == 1
        assert f"{path} is not a regular file. Save the recording to a file, and add that." in done.stderr
    with (tmp_path / "recording.wav").open("w+b") as recording:
        recording.write(b"RIFF")
        done = stage.offhook("add", "/dev/stdin", stdin=recording)
    assert (done.returncode, stage.records()) == (1, [])


def test_a_file_over_the_limit_is_refused_before_it_is_read(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    done = stage.offhook("add", path, timeout=PATIENCE_SECONDS)
    assert done.returncode == 1
    assert f"{path} has 1,099.5 GB, and largest_file_gb allows 16. Raise largest_file_gb" in done.stderr
    assert stage.records() == []


def test_damaged_hints_are_dropped_with_one_line_and_the_work_goes_on(stage: Stage, short_call: Call) -> None:
    stage.drop_call(short_call, "call.wav")
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox"):
        assert stage.finished("call")["status"] == "completed"
        with closing(sqlite3.connect(stage.home / "queue.db")) as queue, queue:
            for damaged in DAMAGED:
                row = ("offhook", damaged, 0.0)
                queue.execute("INSERT INTO task (queue, data, priority) VALUES (?, ?, ?)", row)
        stage.wait_for(lambda: _waiting(stage) == 0, "the damaged hints to go")
        stage.drop_call(speak(SHORT_CALL[:1], seed=3), "next.wav")
        assert stage.finished("next")["status"] == "completed"
    log = (stage.home / "logs" / "worker.log").read_text()
    assert "Traceback" not in log
    assert sum(map(int, re.findall(r"damaged hints were dropped: (\d+)", log))) == 8
    assert log.count("damaged hints were dropped") <= 2


def test_a_queue_that_loses_its_table_is_repaired_with_one_line(stage: Stage, short_call: Call) -> None:
    stage.drop_call(short_call, "call.wav")
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox"):
        assert stage.finished("call")["status"] == "completed"
        with closing(sqlite3.connect(stage.home / "queue.db", timeout=20)) as queue, queue:
            queue.execute("DROP TABLE task")
        log = stage.home / "logs" / "worker.log"
        stage.wait_for(lambda: "the queue of hints cannot be read" in log.read_text(), "the repair")
        stage.drop_call(speak(SHORT_CALL[:1], seed=3), "next.wav")
        assert stage.finished("next")["status"] == "completed"
    assert log.read_text().count("the queue of hints cannot be read") == 1
    assert "Traceback" not in log.read_text()


def _waiting(stage: Stage) -> int:
    with closing(sqlite3.connect(stage.home / "queue.db")) as queue:
        (count,) = queue.execute("SELECT count(*) FROM task").fetchone()
    return int(count)
