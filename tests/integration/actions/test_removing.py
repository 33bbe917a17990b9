"""A deletion can be undone until it is due; then it is carried out once, whoever is still there."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from archive.library import Library
from offhook.desk import removing
from offhook.desk.desk import Desk
from offhook.desk.removing import UNDO_SECONDS, Remover
from shared.errors import RecordNotFound, StateConflict
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.commands.calling import Cli, claimed
from tests.integration.erasing.calls import FORGOTTEN, TITLE, the_call
from tests.remains import remains
from tests.stage import ROOT
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import Sweeper

# Deletes a record as the page does, and is killed before it answers.
KILLED = """
import os, signal, sys
from offhook.desk.desk import Desk
from offhook.desk import removing

with Desk({"home": sys.argv[1]}) as desk:
    removing.delete(desk, [int(sys.argv[2])])
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""


class Clock:
    """A clock that goes when it is told to."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def swept(settings: Settings, store: Store, clock: Clock) -> None:
    with closing(HintQueue(settings.queue)) as hints:
        Sweeper(settings, store, hints, Library(settings, store), clock).sweep()


def test_nothing_is_deleted_before_it_is_due_and_everything_then(
    desk: Desk, store: Store, settings: Settings, clock: Clock
) -> None:
    record = the_call(settings, store, others=1)
    remover = Remover(desk, clock)
    removing.delete(desk, [record.id], clock)

    clock.now += UNDO_SECONDS - 0.1
    remover.remove_due()
    assert store.records.get(record.id).transcription_status == "completed"

    clock.now += 0.2
    remover.remove_due()
    assert store.records.find(record.id) is None
    desk.store.disconnect()
    store.disconnect()
    assert not remains(settings.home, FORGOTTEN)


def test_what_is_undone_stays_as_it_was(desk: Desk, store: Store, settings: Settings, clock: Clock) -> None:
    record = the_call(settings, store, others=0)
    removing.delete(desk, [record.id], clock)

    assert not removing.undo(desk, [record.id])[0].error
    clock.now += 10 * UNDO_SECONDS
    Remover(desk, clock).remove_due()

    assert store.records.get(record.id) == record
    assert Path(record.recording_path).is_file()


def test_a_recording_is_transcribed_until_its_deletion_is_due(desk: Desk, store: Store, clock: Clock) -> None:
    claim = claimed(store, "call")
    removing.delete(desk, [claim.record.id], clock)
    store.claims.renew(claim, lease_seconds=60)

    clock.now += UNDO_SECONDS + 1
    Remover(desk, clock).remove_due()

    assert store.records.find(claim.record.id) is None


def test_a_worker_carries_out_what_a_killed_server_has_promised(
    store: Store, settings: Settings, clock: Clock
) -> None:
    record = the_call(settings, store, others=0)
    command = [sys.executable, "-c", KILLED, str(settings.home), str(record.id)]
    assert subprocess.run(command, cwd=ROOT, timeout=60, check=False).returncode != 0
    due_at = store.deletions.due_at([record.id])[record.id]

    clock.now = due_at - 1
    swept(settings, store, clock)
    assert store.records.get(record.id).title == TITLE

    clock.now = due_at + 1
    swept(settings, store, clock)
    assert store.records.find(record.id) is None


def test_a_second_look_deletes_nothing_else(desk: Desk, store: Store, clock: Clock) -> None:
    first, second = (claimed(store, title).record.id for title in ("one", "other"))
    removing.delete(desk, [first], clock)
    clock.now += UNDO_SECONDS + 1
    for remover in (Remover(desk, clock), Remover(desk, clock)):
        remover.remove_due()

    assert [record.id for record in store.records.every()] == [second]


def test_each_of_several_has_its_own_outcome(desk: Desk, store: Store, clock: Clock) -> None:
    record_id = claimed(store, "call").record.id

    assert [type(it.error) for it in removing.delete(desk, [record_id, 4711], clock)] == [
        type(None),
        RecordNotFound,
    ]
    assert [type(it.error) for it in removing.undo(desk, [record_id, record_id + 1])] == [
        type(None),
        RecordNotFound,
    ]
    assert isinstance(removing.undo(desk, [record_id])[0].error, StateConflict)


def test_the_command_line_says_that_a_recording_is_being_deleted(
    desk: Desk, store: Store, settings: Settings
) -> None:
    record_id = claimed(store, "call").record.id
    removing.delete(desk, [record_id])

    assert "deleted soon" in Cli(settings.home)("list").out
