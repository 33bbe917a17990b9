"""An outbox that is killed before any of its statements or requests: the next one finishes what it began."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store.outbox_states import RECEIVED
from shared.store.store import Store
from shared.store.transitions import COMPLETED, QUEUED
from tests.forks import Forks, forks
from tests.team import Team, Workstation, said

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process for each death")

IMPORTS = """
import os, signal, sqlite3, sys, threading, time
import outbox_worker.client, outbox_worker.session
from outbox_worker.worker import work
from shared.process import run
from tests import deaths
"""
#: Dies before a statement or a request, or ends in good order once the recording is done with.
SCRIPT = (
    IMPORTS
    + """
kind, left, database, record_id = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
if kind != "never":
    getattr(deaths, f"die_before_{kind}")(left)

def end():
    done = "SELECT state = 'received' AND audio_deleted_at FROM outbox WHERE record_id = ?"
    while True:
        with sqlite3.connect(database, timeout=10) as connection:
            if (row := connection.execute(done, (record_id,)).fetchone()) and row[0]:
                return os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)

threading.Thread(target=end, daemon=True).start()
sys.exit(run("outbox", work))
"""
)


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with forks(SCRIPT, IMPORTS, tmp_path_factory.mktemp("children")) as found:
        yield found


@contextmanager
def worker(home: Path) -> Iterator[None]:
    """Complete whatever is queued at the server, without an engine."""
    stopping = threading.Event()

    def work() -> None:
        with Store.of_home(Settings(home=home)) as store:
            while not stopping.wait(0.05):
                for record in store.records.due(1):
                    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
                    if claim:
                        store.claims.complete(claim, [said(f"Words of {record.title}.")])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def check(desk7: Workstation, team: Team, record_id: int) -> None:
    """Nothing is lost, doubled or left over."""
    record, item = desk7.store.records.get(record_id), desk7.store.outbox.find(record_id)
    assert item
    assert (record.transcription_status, item.state) == (COMPLETED, RECEIVED)
    assert f"Words of {record.title}." in desk7.stage.text({"id": record_id})
    assert not Path(record.recording_path).exists()
    (there,) = team.records(record.session_id)
    assert (there.sha256, there.attempts) == (record.sha256, 1)
    assert team.store.incoming.find(record.session_id) is None


def points(count: int, step: int) -> list[object]:
    """Some points at which a process dies; the others take minutes."""
    return [left if left % step == 0 else pytest.param(left, marks=pytest.mark.long) for left in range(count)]


def dies_and_is_done(desk7: Workstation, team: Team, children: Forks, kind: str, left: int) -> int:
    record = desk7.queued(f"{kind} {left}")
    given = (desk7.stage.database, record.id)
    with worker(team.stage.home):
        died = children.run(kind, left, *given, environment=desk7.stage.environment)
        assert died.returncode in (-9, 0), died.stderr
        if died.returncode == -9:
            state = desk7.store.records.get(record.id).transcription_status
            assert state in (QUEUED, COMPLETED)
            done = children.run("never", 0, *given, environment=desk7.stage.environment)
            assert done.returncode == 0, done.stderr
    check(desk7, team, record.id)
    return died.returncode


@pytest.mark.parametrize("left", points(26, 6))
def test_a_death_before_any_statement_costs_nothing(
    desk7: Workstation, team: Team, children: Forks, left: int
) -> None:
    assert dies_and_is_done(desk7, team, children, "statement", left) == -9


@pytest.mark.parametrize("left", points(6, 2))
def test_a_death_before_any_request_costs_nothing(
    desk7: Workstation, team: Team, children: Forks, left: int
) -> None:
    assert dies_and_is_done(desk7, team, children, "request", left) == -9
