"""A long-running process from its start to its end, for real: signals, a starter that dies, file modes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.errors import SettingsError
from shared.locks import FileLock
from shared.process import running
from shared.settings import Settings
from shared.store.store import Store
from shared.workers import Liveness
from tests.stage import Stage
from tests.tables import Worker

ROOT = Path(__file__).parents[2]
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")

STARTS = """
import os, signal, sys
from shared.process import running
from shared.settings_sources import load
with running("worker", load(os.environ), os.environ.get("OFFHOOK_STARTER_LOCK")) as process:
    print(process.presence.worker_id, flush=True)
"""

RUNS = (
    STARTS
    + """
    while not process.stopping.wait(0.05):
        process.beat("working")
    print("stopping", flush=True)
"""
)

RAISES = STARTS + "    raise RuntimeError('on fire')"

# The signal comes before each single line of waiting, in the same process, so that no moment is missed.
STOPPED_AT_ANY_MOMENT = (
    STARTS
    + """
    def at_each_line(frame, event, argument):
        if event == "line":
            signal.raise_signal(signal.SIGTERM)
        return at_each_line
    sys.settrace(at_each_line)
    while not process.stopping.wait(0.05):
        process.beat()
    sys.settrace(None)
    print("stopping", flush=True)
"""
)

HOLDS = """
import sys, time
from pathlib import Path
from shared.locks import FileLock
print(FileLock(Path(sys.argv[1])).acquire(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that is not there yet."""
    return tmp_path / "not" / "there yet"


@contextmanager
def launch(home: Path, code: str = RUNS, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is up, its first line read; its umask is the usual one, not this process's own."""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"OFFHOOK_HOME": str(home)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **({} if os.name == "nt" else {"umask": 0o022}),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def left_behind(home: Path) -> tuple[list[str], list[str]]:
    """Return the rows and the lock files of processes; the reserve is the home's, and stays."""
    files = [path.name for path in (home / "locks").iterdir() if path.name != "reserve"]
    return [worker.id for worker in Worker.select()], files


# Signals


@POSIX_ONLY
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_a_process_in_good_order_and_nothing_is_left_of_it(
    store: Store, settings: Settings, how: signal.Signals
):
    with launch(settings.home) as process:
        worker_id = first_line(process)
        assert Liveness(store, settings.locks).runs(worker_id, None)
        before = time.monotonic()
        process.send_signal(how)
        output, errors = process.communicate(timeout=10)

    assert (process.returncode, output) == (0, "stopping\n"), errors
    assert time.monotonic() - before < 2
    assert "Traceback" not in errors
    assert left_behind(settings.home) == ([], [])


@POSIX_ONLY
def test_a_stop_signal_is_heard_at_any_moment_of_waiting(store: Store, settings: Settings):
    with launch(settings.home, STOPPED_AT_ANY_MOMENT) as process:
        first_line(process)
        try:
            output, _ = process.communicate(timeout=2)
        except subprocess.TimeoutExpired:
            pytest.fail("the process hangs: the signal came while it held the lock that the handler needs")

    assert output == "stopping\n"
    assert left_behind(settings.home) == ([], [])


@POSIX_ONLY
def test_a_killed_process_leaves_a_row_that_nobody_takes_for_alive(store: Store, settings: Settings):
    with launch(settings.home) as process:
        worker_id = first_line(process)
        process.kill()
        process.wait()

        assert not Liveness(store, settings.locks).runs(worker_id, None)
        assert left_behind(settings.home)[0] == [worker_id]


def test_a_process_that_fails_leaves_nothing_either(store: Store, settings: Settings):
    with launch(settings.home, RAISES) as process:
        _, errors = process.communicate(timeout=10)

    assert process.returncode == 1
    assert "on fire" in errors
    assert left_behind(settings.home) == ([], [])


# The starter


def test_a_process_runs_as_long_as_its_starter_holds_the_lock_and_no_longer(
    store: Store, settings: Settings, tmp_path: Path
):
    starter = FileLock(tmp_path / "starter.lock")
    assert starter.acquire()
    with launch(settings.home, OFFHOOK_STARTER_LOCK=str(starter.path)) as process:
        first_line(process)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.4)
        starter.release()
        output, errors = process.communicate(timeout=5)

    assert (process.returncode, output) == (0, "stopping\n"), errors
    assert left_behind(settings.home) == ([], [])


def test_a_process_ends_with_a_starter_that_is_killed(store: Store, settings: Settings, tmp_path: Path):
    path = tmp_path / "starter.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert first_line(starter) == "True"
        with launch(settings.home, OFFHOOK_STARTER_LOCK=str(path)) as process:
            first_line(process)
            starter.kill()
            output, errors = process.communicate(timeout=5)

    assert (process.returncode, output) == (0, "stopping\n"), errors
    assert left_behind(settings.home) == ([], [])


def test_a_process_whose_starter_is_gone_before_it_looks_ends_at_once(
    store: Store, settings: Settings, tmp_path: Path
):
    with launch(settings.home, OFFHOOK_STARTER_LOCK=str(tmp_path / "gone.lock")) as process:
        first_line(process)
        output, _ = process.communicate(timeout=5)

    assert output == "stopping\n"


def test_a_process_that_nobody_started_for_offhook_runs_on(store: Store, settings: Settings):
    with launch(settings.home) as process:
        first_line(process)

        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.4)


# What it says and what it makes


def test_a_process_says_what_it_does_while_it_lives(store: Store, settings: Settings):
    with launch(settings.home) as process:
        worker_id = first_line(process)
        deadline = time.monotonic() + 5
        while (row := Worker.get_by_id(worker_id)).state != "working" and time.monotonic() < deadline:
            time.sleep(0.02)

        assert (row.kind, row.state, row.pid) == ("worker", "working", process.pid)


def test_no_word_that_is_written_to_the_database_is_logged_at_any_level(store: Store, settings: Settings):
    code = STARTS + "    process.presence.beat('Ms. Okafor')"

    with launch(settings.home, code, OFFHOOK_LOG_LEVEL="DEBUG") as process:
        _, said = process.communicate(timeout=10)

    assert "worker stopped" in said
    assert "Okafor" not in said + (settings.logs / "worker.log").read_text("utf-8")


@POSIX_ONLY
def test_everything_under_a_new_home_is_its_owners_alone(home: Path):
    with launch(home) as process:
        first_line(process)
        during = modes(home)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)

    for found in (during, modes(home)):
        assert {"offhook.db", "inbox", "library", "logs", "logs/worker.log", "locks", "."} <= found.keys()
        assert set(found.values()) == {"file 600", "folder 700"}, found
    assert any(name.endswith("-wal") for name in during)
    assert home.parent.stat().st_mode & 0o777 == 0o700


def modes(home: Path) -> dict[str, str]:
    kinds = {path: "folder" if path.is_dir() else "file" for path in (home, *home.rglob("*"))}
    return {
        str(path.relative_to(home)): f"{kind} {path.stat().st_mode & 0o777:o}" for path, kind in kinds.items()
    }


def test_a_home_that_cannot_be_made_is_an_error_that_names_the_path_and_the_remedy(tmp_path: Path):
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"

    with (
        pytest.raises(SettingsError) as caught,
        running("worker", Settings(home=home), starter_lock=None),
    ):
        pass

    assert str(caught.value).startswith(f"The folder {home} cannot be made: ")
    assert "OFFHOOK_HOME" in str(caught.value)


@pytest.mark.parametrize("module", ["transcribe_worker", "transcribe_worker.inbox"])
def test_a_process_that_cannot_start_says_why_in_one_line(stage: Stage, module: str):
    stage.home.mkdir(parents=True)
    (stage.home / "config.toml").write_text("modle = 'small'\n")
    done = subprocess.run(
        [sys.executable, "-m", module], env=stage.environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "has an unknown setting: modle" in done.stderr
    assert len(done.stderr.splitlines()) == 1
