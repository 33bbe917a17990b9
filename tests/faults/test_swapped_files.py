"""Files that are swapped for a pipe, a link to a device or a huge file with holes."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stage import Stage
from tests.voices import SHORT_CALL, speak

#: Reading it takes minutes; no recording may be as large (`largest_file_gb`).
HUGE_BYTES = 1 << 40
END_SECONDS = 10.0
BACKUP_SECONDS = 60.0
GREETING = SHORT_CALL[:1]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs pipes and devices with names")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def linked(path: Path) -> None:
    path.symlink_to(__file__)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(HUGE_BYTES)


SWAPS = {"pipe": pipe, "endless": endless, "linked": linked, "huge": huge}
swapped = pytest.mark.parametrize("swap", SWAPS.values(), ids=SWAPS)
Swap = Callable[[Path], None]


@pytest.fixture
def queued(stage: Stage) -> Stage:
    """A home with one queued recording, `first`, that is to be swapped."""
    path = stage.drop_call(speak(GREETING, seed=51), "first.wav")
    with stage.process("transcribe_worker.inbox") as inbox:
        stage.wait_for(lambda: stage.record("first"), "the record")
        end_in_time(inbox)
    path.unlink()
    return stage


def end_in_time(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(END_SECONDS)


@swapped
def test_a_queued_recording_that_was_swapped_fails_and_the_next_one_is_transcribed(
    queued: Stage, swap: Swap
) -> None:
    swap(queued.inbox / "first.wav")
    with queued.process("transcribe_worker") as worker, queued.process("transcribe_worker.inbox"):
        queued.drop_call(speak(GREETING, seed=52), "second.wav")
        assert queued.finished("second")["status"] == "completed"
        first = queued.finished("first")
        end_in_time(worker)
    assert (first["status"], first["crashes"]) == ("failed", 0)
    assert first["error_code"] == ("largest_file_gb" if swap is huge else "not_a_recording")
    reasons = {pipe: "not a regular file", huge: "Raise largest_file_gb"}
    assert reasons.get(swap, "is a link") in first["error"]


@swapped
def test_a_file_that_is_swapped_while_the_inbox_waits_for_it_is_not_taken(stage: Stage, swap: Swap) -> None:
    path = stage.inbox / "first.mp3"
    stage.inbox.mkdir(parents=True)
    with stage.process("transcribe_worker.inbox") as inbox:
        stage.wait_for(lambda: "inbox" in stage.running(), "the inbox")
        path.write_bytes(b"a part")
        time.sleep(0.3)
        path.unlink()
        swap(path)
        stage.drop_call(speak(GREETING, seed=53), "second.wav")
        stage.wait_for(lambda: stage.record("second"), "the other file")
        end_in_time(inbox)
    assert stage.record("first") is None
    reasons = {found["name"]: found["reason"] for found in stage.read("status")["inbox"]["not_taken"]}
    assert reasons["first.mp3"] == {pipe: "not_a_file", huge: "waiting"}.get(swap, "link")


@swapped
def test_a_backup_names_what_was_swapped_and_has_the_rest(queued: Stage, tmp_path: Path, swap: Swap) -> None:
    swap(queued.inbox / "first.wav")
    done = queued.offhook("backup", tmp_path / "backups", "--json", timeout=BACKUP_SECONDS)
    assert done.returncode == 1  # the backup is made, and it is not whole
    (missing,) = json.loads(done.stdout)["missing"]
    assert (missing["path"], missing["reason"]) == (str(queued.inbox / "first.wav"), "unreadable")
    (copied,) = (tmp_path / "backups").glob("offhook-backup-*")
    assert not (copied / "inbox" / "first.wav").exists()
    assert (copied / "offhook.db").is_file()


def test_hashing_a_large_file_with_holes_ends_at_once_when_the_inbox_is_stopped(stage: Stage) -> None:
    settings = (("OFFHOOK_LARGEST_FILE_GB", "10000"), ("OFFHOOK_SETTLE_SECONDS", "0.1"))
    stage = Stage(stage.home, settings)
    stage.inbox.mkdir(parents=True)
    huge(stage.inbox / "first.mp3")
    with stage.process("transcribe_worker.inbox") as inbox:
        stage.wait_for(lambda: "inbox" in stage.running(), "the inbox")
        stage.wait_for(lambda: is_read(inbox.pid, stage.inbox / "first.mp3"), "the hashing")
        end_in_time(inbox)
    assert inbox.returncode == 0
    assert stage.record("first") is None


@pytest.mark.parametrize(("name", "command"), [("host", "status"), ("control.json", "record state")])
def test_no_command_waits_for_a_pipe_among_the_files_of_the_home(
    queued: Stage, name: str, command: str
) -> None:
    (queued.home / name).unlink(missing_ok=True)
    pipe(queued.home / name)
    done = queued.offhook(*command.split(), timeout=END_SECONDS)
    assert done.returncode == 0 or "No capture worker runs" in done.stderr
    assert "Traceback" not in done.stderr


def is_read(pid: int, path: Path) -> bool:
    """Whether a process has a file open (Linux)."""
    handles = Path(f"/proc/{pid}/fd")
    if not handles.is_dir():
        pytest.skip("needs /proc")
    return any(os.path.realpath(handle) == str(path) for handle in handles.iterdir())
