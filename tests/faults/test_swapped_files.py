"""Files that are swapped for a pipe, a link to a device or a huge file with holes."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import looks
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


SWAPS: dict[str, Callable[[Path], None]] = {"pipe": pipe, "endless": endless, "linked": linked, "huge": huge}


@pytest.fixture
def queued(stage: Stage) -> Stage:
    """A home with a queued recording for each swap, with its name, that is gone and to be swapped."""
    paths = [
        stage.drop_call(speak(GREETING, seed=seed), f"{name}.wav") for seed, name in enumerate(SWAPS, 41)
    ]
    with stage.process("transcribe_worker.inbox") as inbox:
        stage.wait_for(lambda: all(looks.newest(stage.database, name) for name in SWAPS), "the records")
        end_in_time(inbox)
    for path in paths:
        path.unlink()
    return stage


def swap_all(queued: Stage) -> list[Path]:
    """Swap each queued recording of a home."""
    paths = [queued.inbox / f"{name}.wav" for name in SWAPS]
    for path, swap in zip(paths, SWAPS.values(), strict=True):
        swap(path)
    return paths


def end_in_time(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(END_SECONDS)


def test_a_queued_recording_that_was_swapped_fails_and_the_next_one_is_transcribed(queued: Stage) -> None:
    swap_all(queued)
    with queued.process("transcribe_worker") as worker, queued.process("transcribe_worker.inbox"):
        queued.drop_call(speak(GREETING, seed=52), "next.wav")
        assert queued.finished("next")["status"] == "completed"
        swapped = {name: queued.finished(name) for name in SWAPS}
        end_in_time(worker)
    reasons = {"pipe": "not a regular file", "huge": "Raise largest_file_gb"}
    for name, record in swapped.items():
        code = "largest_file_gb" if name == "huge" else "not_a_recording"
        assert (name, record["status"], record["crashes"]) == (name, "failed", 0)
        assert (name, record["error_code"]) == (name, code)
        assert reasons.get(name, "is a link") in record["error"]


def test_a_file_that_is_swapped_while_the_inbox_waits_for_it_is_not_taken(stage: Stage) -> None:
    paths = {name: stage.inbox / f"{name}.mp3" for name in SWAPS}
    stage.inbox.mkdir(parents=True)
    with stage.process("transcribe_worker.inbox") as inbox:
        stage.wait_for(lambda: "inbox" in stage.running(), "the inbox")
        for path in paths.values():
            path.write_bytes(b"a part")
        time.sleep(0.3)
        for name, path in paths.items():
            path.unlink()
            SWAPS[name](path)
        stage.drop_call(speak(GREETING, seed=53), "next.wav")
        stage.wait_for(lambda: looks.newest(stage.database, "next"), "the other file")
        end_in_time(inbox)
    assert [record["title"] for record in stage.records()] == ["next"]
    reasons = {found["name"]: found["reason"] for found in stage.read("status")["inbox"]["not_taken"]}
    expected = {"pipe": "not_a_file", "huge": "waiting", "endless": "link", "linked": "link"}
    assert {name: reasons[path.name] for name, path in paths.items()} == expected


def test_a_backup_names_what_was_swapped_and_has_the_rest(queued: Stage, tmp_path: Path) -> None:
    paths = swap_all(queued)
    done = queued.offhook("backup", tmp_path / "backups", "--json", timeout=BACKUP_SECONDS)
    assert done.returncode == 1  # the backup is made, and it is not whole
    missing = {(found["path"], found["reason"]) for found in json.loads(done.stdout)["missing"]}
    assert missing == {(str(path), "unreadable") for path in paths}
    (copied,) = (tmp_path / "backups").glob("offhook-backup-*")
    assert not [path for path in paths if os.path.lexists(copied / "inbox" / path.name)]
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
