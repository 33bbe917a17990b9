"""The lock that tells a living process from a dead one, with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.locks import FileLock

ROOT = Path(__file__).parents[2]

HOLDER = """
import sys, time
from pathlib import Path
from shared.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
time.sleep(60)
"""

HOLDER_WITH_A_CHILD = HOLDER.replace(
    "time.sleep", "import subprocess; subprocess.Popen([sys.executable, '-c', sys.argv[2]]); time.sleep"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "starter.lock"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    with hold(path) as process:
        yield process
        process.kill()


def hold(path: Path, code: str = HOLDER, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path), *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def acquired_within(seconds: float, lock: FileLock) -> bool:
    deadline = time.monotonic() + seconds
    while not (acquired := lock.acquire()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return acquired


def test_a_lock_that_another_process_holds_is_refused_at_once(path: Path, holder: subprocess.Popen[str]):
    before = time.monotonic()

    assert FileLock(path).acquire() is False
    assert time.monotonic() - before < 0.5


def test_a_killed_holder_frees_the_lock(path: Path, holder: subprocess.Popen[str]):
    holder.kill()
    holder.wait()

    lock = FileLock(path)
    assert acquired_within(2, lock)
    lock.release()


def test_a_program_that_the_holder_started_does_not_keep_the_lock(path: Path, tmp_path: Path):
    outlives = tmp_path / "child-was-here"
    child = f"import time; open({str(outlives)!r}, 'w').close(); time.sleep(5)"
    with hold(path, HOLDER_WITH_A_CHILD, child) as holder:
        while not outlives.exists():
            time.sleep(0.02)
        holder.kill()

    lock = FileLock(path)
    assert acquired_within(2, lock)
    lock.release()


def test_a_second_lock_in_the_same_process_is_refused_until_the_first_is_released(path: Path):
    first, second = FileLock(path), FileLock(path)

    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


def test_acquiring_and_releasing_twice_is_harmless(path: Path):
    lock = FileLock(path)

    assert lock.acquire()
    assert lock.acquire()
    lock.release()
    lock.release()
    assert lock.acquire()
    lock.release()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_only_the_owner_can_open_the_lock_file(path: Path):
    lock = FileLock(path)
    lock.acquire()
    lock.release()

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_lock_in_a_missing_folder_is_an_error_and_not_somebody_elses(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "missing" / "starter.lock").acquire()
