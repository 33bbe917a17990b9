"""Which workers run: real processes, killed for real."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store.store import Store
from shared.workers import Liveness, Presence
from tests.tables import Worker, by_clock

ROOT = Path(__file__).parents[2]

LIVES = """
import sys
from pathlib import Path
from shared.store.store import Store
from shared.workers import Presence
home = Path(sys.argv[1])
presence = Presence(Store.open(home / "offhook.db"), home / "locks", "worker").enter()
print(presence.worker_id, flush=True)
sys.stdin.read()
presence.leave()
"""

ASKS = """
import sys
from pathlib import Path
from shared.store.store import Store
from shared.workers import Liveness
home = Path(sys.argv[1])
print(Liveness(Store.open(home / "offhook.db"), home / "locks").runs(sys.argv[2], None))
"""


@contextmanager
def another(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A living process and its worker id; closing its input lets it leave."""
    with subprocess.Popen(
        [sys.executable, "-c", LIVES, str(settings.home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def lives_for_another(settings: Settings, worker_id: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", ASKS, str(settings.home), worker_id],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout == "True\n"


@pytest.fixture
def make(store: Store, settings: Settings) -> Iterator[Callable[..., Presence]]:
    """Let this process live under several ids."""
    with ExitStack() as at_end:

        def enter(kind: str = "worker", clock: Callable[[], float] = time.time) -> Presence:
            presence = Presence(by_clock(store, clock), settings.locks, kind).enter()
            at_end.callback(presence.leave)
            return presence

        yield enter


def lock_files(settings: Settings) -> set[str]:
    return {path.stem for path in settings.locks.iterdir()}


def rows() -> set[str]:
    return {worker.id for worker in Worker.select()}


def test_a_running_process_runs_for_itself_and_for_others(
    make: Callable[..., Presence], store: Store, settings: Settings
):
    worker_id = make().worker_id

    assert Liveness(store, settings.locks).runs(worker_id, None)
    assert Liveness(store, settings.locks).runs(worker_id, None)  # the look has not freed it
    assert lives_for_another(settings, worker_id)


def test_another_process_lives_until_it_is_killed_and_not_a_moment_longer(store: Store, settings: Settings):
    with another(settings) as (process, worker_id):
        assert Liveness(store, settings.locks).runs(worker_id, None)
        process.kill()
        process.wait()

        assert not Liveness(store, settings.locks).runs(worker_id, None)
        assert not lives_for_another(settings, worker_id)


def test_a_stopped_process_runs_however_long_it_gives_no_sign(store: Store, settings: Settings):
    with another(settings) as (_, worker_id):
        Worker.update(last_seen_at=0.0).where(Worker.id == worker_id).execute()

        assert Liveness(store, settings.locks).runs(worker_id, None)
        assert Liveness(store, settings.locks).remove_dead() == []


def test_no_process_runs_under_an_id_that_was_never_given(store: Store, settings: Settings):
    assert not Liveness(store, settings.locks).runs("worker-0", None)
    assert not Liveness(store, settings.locks).runs("", None)
    assert lock_files(settings) == set()


def test_two_processes_never_share_an_id(make: Callable[..., Presence]):
    assert make("inbox").worker_id != make("inbox").worker_id


def test_a_row_says_what_a_process_is_and_what_it_does(make: Callable[..., Presence]):
    now = [1000.0]
    presence = make("inbox", clock=lambda: now[0])
    now[0] = 1005.0

    presence.beat("sweeping")

    row = Worker.get_by_id(presence.worker_id)
    assert (row.kind, row.pid, row.state) == ("inbox", os.getpid(), "sweeping")
    assert (row.started_at, row.last_seen_at) == (1000.0, 1005.0)


def test_leaving_takes_the_row_and_the_lock_file_along(
    store: Store, settings: Settings, make: Callable[..., Presence]
):
    stays = make().worker_id
    presence = Presence(store, settings.locks, "worker").enter()

    presence.leave()

    assert not Liveness(store, settings.locks).runs(presence.worker_id, None)
    assert rows() == lock_files(settings) == {stays}


def test_another_process_that_leaves_cleans_up_as_well(store: Store, settings: Settings):
    with another(settings) as (process, _):
        process.communicate(timeout=10)

    assert process.returncode == 0
    assert rows() == lock_files(settings) == set()


def test_only_what_has_ended_is_removed(store: Store, settings: Settings, make: Callable[..., Presence]):
    mine = make().worker_id
    with another(settings) as (_, living), another(settings) as (process, dead):
        process.kill()
        process.wait()

        assert Liveness(store, settings.locks).remove_dead() == [dead]
        assert rows() == lock_files(settings) == {mine, living}
        assert Liveness(store, settings.locks).runs(living, None)
        assert Liveness(store, settings.locks).remove_dead() == []


def test_the_lock_file_of_a_process_that_died_before_it_had_a_row_is_removed(
    store: Store, settings: Settings, make: Callable[..., Presence]
):
    code = (
        "import sys; from pathlib import Path; from shared.locks import FileLock\n"
        "assert FileLock(Path(sys.argv[1])).acquire(); print('locked', flush=True); sys.stdin.read()\n"
    )
    mine, unborn = make().worker_id, settings.locks / "inbox-0123456789ab.lock"
    server = settings.locks / "capture-server.lock"
    server.touch()
    with subprocess.Popen(
        [sys.executable, "-c", code, str(unborn)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        for path in settings.locks.iterdir():
            os.utime(path, (0, 0))
        Liveness(store, settings.locks).remove_dead()
        assert lock_files(settings) == {mine, unborn.stem, server.stem}
        process.kill()
    unborn.touch()
    Liveness(store, settings.locks).remove_dead()
    assert unborn.exists()  # it may just be on its way to a row
    os.utime(unborn, (0, 0))
    Liveness(store, settings.locks).remove_dead()
    assert lock_files(settings) == {mine, server.stem}


def test_what_has_ended_is_removed_though_its_lock_file_is_gone(store: Store, settings: Settings):
    with another(settings) as (process, dead):
        process.kill()
        process.wait()
    (settings.locks / f"{dead}.lock").unlink()

    assert Liveness(store, settings.locks).remove_dead() == [dead]
    assert rows() == lock_files(settings) == set()


def test_four_sweepers_remove_a_crowd_at_once_and_what_runs_stays(
    store: Store, settings: Settings, make: Callable[..., Presence]
):
    mine = make().worker_id
    for number in range(40):
        died = f"worker-{number}"
        Worker.create(id=died, kind="worker", pid=1, state="ready", started_at=0.0, last_seen_at=0.0)
        (settings.locks / f"{died}.lock").touch()
    barrier, errors = threading.Barrier(4), []

    def sweep() -> None:
        try:
            barrier.wait()
            for _ in range(5):
                Liveness(store, settings.locks).remove_dead()
            store.disconnect()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    Liveness(store, settings.locks).remove_dead()  # a look by two at once may have put a removal off
    assert rows() == {mine}
    assert Liveness(store, settings.locks).runs(mine, None)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_a_lock_file_is_its_owners_alone(make: Callable[..., Presence], settings: Settings):
    path = settings.locks / f"{make().worker_id}.lock"

    assert path.stat().st_mode & 0o777 == 0o600
