"""A server that is killed at any step of taking a call: it becomes one record with its recording, once."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from archive.erasing import Eraser
from archive.incoming import LeftCalls, folder_of
from archive.library import Library
from archive.storage.storage import storage_of
from archive.storage.upkeep import Upkeep
from archive.team_messages import CallFacts, Minute
from archive.uploads import KEPT_SECONDS, STRAY_SECONDS
from offhook.desk.desk import Desk
from offhook.desk.intake import Intake, Sender
from shared.settings import Settings
from shared.store.objects import UNCLAIMED_SECONDS
from shared.store.store import Store
from shared.store.values import Record
from tests.dying import DESK_THAT_DIES
from tests.forks import Forks, forks
from tests.integration.inbox.files import recording

IMPORTS = """
import offhook.desk.intake, peewee, transcribe_worker.jobs.hints, archive.storage.folder
"""
#: Takes a call and dies just before a step: a change to the file system, or to the database.
TAKER = (
    """
import os, sys
from pathlib import Path
import msgspec
from peewee import SqliteDatabase
from archive.team_messages import CallFacts
from offhook.desk.desk import Desk
from offhook.desk.intake import Intake, Sender

left, content = int(sys.argv[2]), Path(sys.argv[3]).read_bytes()
facts = msgspec.json.decode(sys.argv[5], type=CallFacts)

"""
    + DESK_THAT_DIES
    + """
intake = Intake(desk, Sender(1, "0f" * 16, 1), spare_bytes=0)
call = intake.offer(sys.argv[4], facts)
for start in range(0, len(content), 2000):
    intake.append(call, start, [content[start : start + 1000], content[start + 1000 : start + 2000]])
intake.commit(sys.argv[4])
"""
)


@pytest.fixture(scope="module")
def taker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    if not hasattr(os, "fork"):
        pytest.skip("needs processes that are forked")
    with forks(TAKER, IMPORTS, tmp_path_factory.mktemp("takers")) as taker:
        yield taker


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    with Desk({"home": settings.home}) as desk:
        yield desk


def facts_of(content: bytes) -> CallFacts:
    loud = [Minute(0, 10, b"\x10" * 600, b"\x20" * 600)]
    chosen = {"suffix": ".wav", "title": "Ada", "source": "capture", "created_at": 1e9}
    return CallFacts(
        hashlib.sha256(content).hexdigest(), len(content), **chosen, layout="mono", loudness=loud
    )


def test_a_death_before_any_step_leaves_a_call_that_goes_on_to_one_record(
    desk: Desk, taker: Forks, tmp_path: Path
):
    source, deaths, ends = tmp_path / "source", 0, set()
    while True:
        content = recording(deaths, seconds=0.12)
        session_id = f"00000000-0000-4000-8000-{deaths:012}"
        source.write_bytes(content)
        facts = msgspec.json.encode(facts_of(content)).decode()
        died = taker.run(desk.settings.home, deaths, source, session_id, facts)
        assert died.returncode in (0, 9), died.stderr
        ends.add(go_on(desk, session_id, content))
        record = desk.store.records.of_session(session_id)
        assert record
        assert_whole(desk, record, content)
        if died.returncode == 0:
            break
        deaths += 1
    assert deaths >= 15
    assert ends == {"begins again", "goes on", "whole"}
    assert_nothing_is_left(desk, deaths + 1)


def go_on(desk: Desk, session_id: str, content: bytes) -> str:
    """Do as a workstation does whose server was away; say what was left to do."""
    intake = Intake(desk, Sender(1, "0f" * 16, 1), spare_bytes=0)
    call = intake.offer(session_id, facts_of(content))
    if isinstance(call, Record):
        return "whole"
    arrived = intake.offset(call)
    if arrived < len(content):
        intake.append(call, arrived, [content[arrived:]])
    intake.commit(session_id)
    return "goes on" if arrived else "begins again"


def assert_whole(desk: Desk, record: Record, content: bytes) -> None:
    assert record.storage_key
    with storage_of(desk.settings).open(record.storage_key) as stored:
        assert stored.read() == content
    levels = desk.store.captures.levels(record.session_id)
    assert levels
    assert levels.microphone == b"\x10" * 600
    assert desk.store.incoming.find(record.session_id) is None


def assert_nothing_is_left(desk: Desk, records: int) -> None:
    """A day later, the storage has the recordings of records alone, and no file waits for a call."""
    later = time.time() + UNCLAIMED_SECONDS + 60
    with Store.open(desk.settings.database_file, clock=lambda: later) as store:
        Upkeep(desk.settings, store, clock=lambda: later).remove_objects()
        assert store.objects.ordered() == []
    kept = {record.storage_key for record in desk.store.records.every()}
    assert len(kept) == records
    assert set(storage_of(desk.settings).list("calls/")) == kept
    age(folder_of(desk.settings), STRAY_SECONDS + 1)
    LeftCalls(desk.settings, desk.store).remove()
    assert list(folder_of(desk.settings).iterdir()) == []


def age(folder: Path, seconds: float) -> None:
    """Let the files of a folder be older."""
    old = time.time() - seconds
    for path in folder.iterdir():
        os.utime(path, (old, old))


def test_a_call_of_which_nothing_arrives_for_7_days_is_given_up(desk: Desk):
    intake = Intake(desk, Sender(1, "0f" * 16, 1), spare_bytes=0)
    left, goes_on = (f"00000000-0000-4000-8000-00000000000{n}" for n in "12")
    for session_id in (left, goes_on):
        call = intake.offer(session_id, facts_of(b"RIFF"))
        assert not isinstance(call, Record)
        intake.append(call, 0, [b"RI"])
    later = time.time() + KEPT_SECONDS + 60
    with Store.open(desk.settings.database_file, clock=lambda: later - 10) as store:
        call = store.incoming.find(goes_on)
        assert call
        store.incoming.touch(call)
    age(folder_of(desk.settings), STRAY_SECONDS + 1)

    LeftCalls(desk.settings, desk.store, clock=lambda: later).remove()

    assert desk.store.incoming.find(left) is None
    assert desk.store.incoming.find(goes_on)
    assert [path.name[:36] for path in folder_of(desk.settings).iterdir()] == [goes_on]
    assert desk.store.erasures.scrub_order()


def test_a_file_that_is_being_written_belongs_to_no_other_machine(desk: Desk):
    folder = folder_of(desk.settings)
    (folder / f"00000000-0000-4000-8000-000000000009-{'0' * 16}.part").write_bytes(b"young")

    LeftCalls(desk.settings, desk.store).remove()
    assert len(list(folder.iterdir())) == 1

    age(folder, STRAY_SECONDS + 1)
    LeftCalls(desk.settings, desk.store).remove()
    assert list(folder.iterdir()) == []


def test_what_is_being_sent_of_a_candidate_is_erased_too(desk: Desk):
    intake = Intake(desk, Sender(1, "0f" * 16, 1), spare_bytes=0)
    session_id = "00000000-0000-4000-8000-000000000007"
    call = intake.offer(session_id, replace(facts_of(b"RIFF"), candidate_id="C-1"))
    assert not isinstance(call, Record)
    intake.append(call, 0, [b"RI"])
    eraser = Eraser(desk.settings, desk.store, Library(desk.settings, desk.store))

    (plan,) = eraser.of_candidate("C-1")
    eraser.mark([], [plan.session_id])
    eraser.resume()

    assert [path.name[:36] for path in plan.files] == [session_id]
    assert list(folder_of(desk.settings).iterdir()) == []
    assert desk.store.incoming.find(session_id) is None
    assert desk.store.records.of_session(session_id) is None
    assert desk.store.objects.is_due()
    (change,) = desk.store.changes.since(0, 10)
    assert (change.is_deleted, change.session_id, change.owner_id) == (True, session_id, 1)
