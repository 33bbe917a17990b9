"""The store as one object: two of them in one process, hosts, the change feed, errors of its own."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from peewee import SQL

from archive.erasing import Eraser
from archive.library import Library
from shared.errors import StateConflict, StoreBusy, StoreDamaged
from shared.settings import Settings
from shared.store.statements import Statement, given
from shared.store.store import Store
from shared.store.tables import RecordRow
from shared.workers import Liveness, Presence
from tests.databases import place_of
from tests.stage import ROOT
from tests.tables import said
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import Sweeper

ADDS = """
import sys, time
from pathlib import Path
from shared.store.store import Store
store = Store.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
store.records.add(source="added", title="from elsewhere", recording_path="/calls/1.wav")
"""


RENAME = Statement(
    RecordRow.update(title=given("title"), archived_at=given("moment"))
    .where(RecordRow.id == given("record_id"))
    .returning(SQL("*"))
)


def add(store: Store, title: str) -> int:
    return store.records.add(source="added", title=title, recording_path=f"/{title}.wav").id


def test_a_statement_whose_text_is_kept_takes_other_values_each_time(store: Store):
    ids = [add(store, "one"), add(store, "two")]

    for moment, record_id in enumerate(ids, start=1):
        title = f"Call ? %s {record_id}"
        row = store.database.carry_out(RENAME, title=title, moment=float(moment), record_id=record_id)
        assert row
        assert (row["id"], row["title"], row["archived_at"]) == (record_id, title, moment)

    assert [store.records.get(record_id).archived_at for record_id in ids] == [1.0, 2.0]
    assert store.database.carry_out(RENAME, title="", moment=None, record_id=99) is None


def completed(store: Store, title: str, text: str) -> int:
    record_id = add(store, title)
    claim = store.claims.claim(record_id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    rows = [{"start_seconds": 0.0, "end_seconds": 1.0, "text": text}]
    return store.claims.complete(claim, said(rows)).id


def test_two_stores_in_one_process_keep_their_records_apart(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as first, Store.open(tmp_path / "b.db") as second:
        completed(first, "one", "Good morning.")
        add(second, "two")
        completed(second, "three", "Good night.")
        second.controls.set_paused(True)

        assert [record.title for record in first.records.every()] == ["one"]
        assert [record.title for record in second.records.every()] == ["two", "three"]
        assert (first.controls.paused(), second.controls.paused()) == (False, True)
        assert [hit.title for hit in first.transcripts.search("good", 9)] == ["one"]
        assert [hit.title for hit in second.transcripts.search("good", 9)] == ["three"]


def test_two_stores_can_be_written_to_in_turns_by_two_threads(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as first, Store.open(tmp_path / "b.db") as second:

        def fill(store: Store, other: Store) -> None:
            for number in range(20):
                add(store, f"{number}")
                assert other.records.counts()["queued"] <= 40
            first.disconnect()
            second.disconnect()

        threads = [threading.Thread(target=fill, args=pair) for pair in ((first, second), (second, first))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert first.records.counts()["queued"] == second.records.counts()["queued"] == 20


def test_the_change_feed_wakes_as_soon_as_another_process_commits(store: Store, settings: Settings) -> None:
    command = [sys.executable, "-c", ADDS, place_of(settings)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as other, store.feed() as changes:  # type: ignore[call-overload]
        assert other.stdout.readline() == "ready\n"
        assert not changes.wait(0.05), "nothing has changed yet"
        other.stdin.write("go\n")
        other.stdin.flush()

        assert changes.wait(30.0)
        assert [record.title for record in store.records.every()] == ["from elsewhere"]
        assert not changes.wait(0.05), "the change was told already"


@pytest.mark.sqlite
def test_the_change_feed_takes_no_lock_and_waits_for_none(store: Store, settings: Settings) -> None:
    with (
        store.feed() as changes,
        closing(sqlite3.connect(settings.database_file, isolation_level=None)) as writer,
    ):
        writer.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert not changes.wait(0.05)
        assert time.monotonic() - began < 5.0
        writer.execute("ROLLBACK")
        add(store, "written while the feed was open")
        assert changes.wait(5.0)


def test_a_page_of_records_begins_before_the_last_id_of_the_page_before(store: Store) -> None:
    ids = [add(store, str(number)) for number in range(7)]

    first = store.records.newest(3)
    second = store.records.newest(3, before_id=first[-1].id)
    third = store.records.newest(3, before_id=second[-1].id)

    assert [record.id for page in (first, second, third) for record in page] == ids[::-1]


@pytest.mark.sqlite
def test_a_busy_database_is_an_error_that_names_the_file_and_the_remedy(settings: Settings) -> None:
    with Store.open(settings.database_file, busy_timeout_seconds=0.05) as store:
        with closing(sqlite3.connect(settings.database_file, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusy, match=r"offhook\.db is in use .* try again"):
                add(store, "call")


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "offhook.db"
    path.write_bytes(bytes(range(256)) * 40)

    with pytest.raises(StoreDamaged, match="is not a database"):
        Store.open(path)


# Hosts


@pytest.fixture
def elsewhere(settings: Settings) -> Store:
    """The store as a process on another host sees it."""
    return Store.open(place_of(settings), host="another")


def test_a_host_keeps_its_name_and_no_two_homes_share_one(settings: Settings, tmp_path: Path) -> None:
    with Store.of_home(settings) as first, Store.of_home(settings) as again:
        assert first.host == again.host != ""
    other = Settings(home=tmp_path / "other")
    other.home.mkdir()
    with Store.of_home(other) as second:
        assert second.host != first.host


def test_a_process_of_another_host_is_never_taken_for_ended(
    store: Store, elsewhere: Store, settings: Settings
) -> None:
    with elsewhere:
        elsewhere.workers.enter("worker-elsewhere", "worker", 1)
    liveness = Liveness(store, settings.locks)

    assert liveness.runs("worker-elsewhere", "another")
    assert liveness.remove_dead() == []
    assert [worker.id for worker in store.workers.every()] == ["worker-elsewhere"]
    assert Liveness(elsewhere, settings.locks).remove_dead() == ["worker-elsewhere"]
    elsewhere.disconnect()


def test_a_record_of_another_host_is_taken_back_by_its_lease_alone(
    store: Store, elsewhere: Store, settings: Settings
) -> None:
    record_id = add(store, "call")
    with elsewhere:
        claim = elsewhere.claims.claim(
            record_id, worker_id="worker-elsewhere", model="tiny.en", lease_seconds=60
        )
    assert claim
    now = [0.0]
    hints = HintQueue(settings.queue)
    library = Library(settings, store)
    alone = replace(settings, database="")  # in a team the database's clock judges: integration/machines
    sweeper = Sweeper(alone, store, hints, library, monotonic=lambda: now[0])

    for now[0] in (1.0, 20.0, 39.0, 58.0):
        sweeper.sweep()
        assert store.records.get(record_id).transcription_status == "processing", now
    now[0] = 77.0
    sweeper.sweep()
    assert store.records.get(record_id).transcription_status == "queued"
    hints.close()


def test_a_capture_of_another_host_is_neither_recovered_nor_deleted(
    store: Store, elsewhere: Store, settings: Settings
) -> None:
    from capture_worker.handover.unfinished import UnfinishedRecordings

    session_id = "7f0c7d5e-3b0a-4c39-9d8e-0c5f2a1b4e6d"
    columns = {"title": "Call", "layout": "mono", "worker_id": "capture-elsewhere", "started_at": 1.0}
    with elsewhere:
        elsewhere.captures.begin(session_id, settings.inbox / "Call.wav", candidate_id="C-17", **columns)
    (settings.recording / f"{session_id}.part").write_bytes(b"RIFF")

    presence = Presence(store, settings.locks, "capture").enter()
    UnfinishedRecordings(settings, store, presence.worker_id).hand_over_all()
    with pytest.raises(StateConflict):
        Eraser(settings, store, Library(settings, store)).of_candidate("C-17")
    presence.leave()

    assert store.captures.get(session_id).worker_id == "capture-elsewhere"
    assert (settings.recording / f"{session_id}.part").exists()
