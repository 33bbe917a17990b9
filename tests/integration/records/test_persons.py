"""What a person does to a recording: queue it again, cancel it, delete it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from peewee import SqliteDatabase

from shared.errors import ClaimLost, RecordNotFound, StateConflict
from shared.settings import Settings
from shared.store.models import InboxFile, Record
from shared.store.records import Records
from shared.store.transitions import CANCELLED, COMPLETED, FAILED, PROCESSING, QUEUED, STATES
from tests.integration.records.operations import (
    FAILURE,
    NEW_CONTENT,
    WINDOW,
    assert_afresh,
    bring_to,
    claim,
    hits,
    segment,
    snapshot,
)
from tests.stage import ROOT


@pytest.mark.parametrize("state", [COMPLETED, FAILED, CANCELLED])
def test_queueing_again_clears_what_was_made_and_counted(
    records: Records, database: SqliteDatabase, add: Callable[..., Record], state: str
):
    record = add()
    records.retry_later(claim(records, record), FAILURE, wait_seconds=0, crashed=True)
    bring_to(records, state, record)
    records.mark_filed(records.get(record.id), "/library/call.wav")
    stem = records.reserve_stem(record.id, iter(["2026/11/call"]))

    found = records.requeue(record.id)

    assert_afresh(found)
    assert found.library_stem == stem
    assert snapshot(database)["DecodedWindow"] == []


def test_queueing_again_keeps_the_transcript_until_there_is_another(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    record = add()
    records.complete(claim(records, record), [segment("spoken")])
    records.requeue(record.id)
    assert hits(database, "spoken") == 1

    records.complete(claim(records, record), [segment("anew")])
    assert (hits(database, "spoken"), hits(database, "anew")) == (0, 1)


def test_a_waiting_recording_takes_on_options_and_drops_what_was_decoded_without_them(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    record = add()
    held = claim(records, record)
    records.save_windows(held, [WINDOW])
    records.retry_later(held, FAILURE, wait_seconds=600)

    revised = records.revise(record.id, {}, title="Anew", priority=3)
    assert (revised.title, revised.priority, revised.next_attempt_at, revised.error_code) == (
        "Anew",
        3,
        0.0,
        None,
    )
    assert len(records.windows(record.id)) == 1

    revised = records.revise(record.id, {"model": "small"})
    assert (revised.model, json.loads(revised.options)) == ("small", {"model": "small"})
    assert records.windows(record.id) == []


def test_the_options_of_a_recording_that_is_being_transcribed_cannot_be_changed(
    records: Records, add: Callable[..., Record]
):
    record = add()
    claim(records, record)
    with pytest.raises(StateConflict):
        records.revise(record.id, {"model": "small"})


def test_queueing_again_adds_to_the_options_that_were_chosen(records: Records, add: Callable[..., Record]):
    record = add(options={"model": "small", "language": "de"})
    records.complete(claim(records, record, model="small"), [])

    found = records.requeue(record.id, {"model": "base", "vad": False})

    assert json.loads(found.options) == {"model": "base", "language": "de", "vad": False}
    assert found.model == "base"


def test_a_transcript_of_the_second_time_replaces_the_first(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    record = add()
    records.complete(claim(records, record), [segment("earlier"), segment("both")])
    records.requeue(record.id)
    records.complete(claim(records, record), [segment("later"), segment("both")])

    assert [hits(database, word) for word in ("earlier", "later", "both")] == [0, 1, 1]


def test_a_cancelled_recording_is_fenced_from_the_worker_that_had_it(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    record = add()
    held = claim(records, record)

    found = records.cancel(record.id)

    assert (found.transcription_status, found.claim_token, found.worker_id) == (CANCELLED, None, None)
    with pytest.raises(ClaimLost):
        records.complete(held, [segment("spoken")])
    assert records.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60) is None
    assert hits(database, "spoken") == 0


@pytest.mark.parametrize("state", STATES)
def test_a_deleted_recording_is_gone_with_everything_that_was_made_of_it(
    records: Records, database: SqliteDatabase, add: Callable[..., Record], state: str
):
    kept = add()
    records.complete(claim(records, kept), [segment("spoken by another")])
    before = snapshot(database)
    record = add()
    bring_to(records, state, record)
    InboxFile.create(path="/x.wav", size_bytes=1, modified_ns=1, outcome="adopted", record=record.id)

    records.delete(record.id)

    assert snapshot(database) == before
    assert hits(database, "spoken") == 1
    with pytest.raises(RecordNotFound):
        records.get(record.id)


@pytest.mark.parametrize("state", [QUEUED, FAILED, CANCELLED])
def test_an_overwritten_recording_is_queued_afresh(records: Records, add: Callable[..., Record], state: str):
    record = add(sha256="old", size_bytes=1, modified_ns=1)
    records.retry_later(claim(records, record), FAILURE, wait_seconds=0, crashed=True)
    if state == QUEUED:
        held = claim(records, record)
        records.save_windows(held, [WINDOW], progress=0.5, language="en", flags='["stale_header"]')
        records.retry_later(held, FAILURE, wait_seconds=600)
    else:
        bring_to(records, state, record)

    found = records.replace_content(record.recording_path, NEW_CONTENT)

    assert found is not None
    assert {name: getattr(found, name) for name in ("id", *NEW_CONTENT)} == {"id": record.id, **NEW_CONTENT}
    assert records.windows(record.id) == []
    assert_afresh(found)


def test_an_overwritten_recording_that_is_being_processed_is_left_to_its_worker(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    held = bring_to(records, PROCESSING, add(sha256="old"))
    before = snapshot(database)

    found = records.replace_content(held.record.recording_path, NEW_CONTENT)

    assert found is not None
    assert found.id == held.record.id
    assert snapshot(database) == before
    records.confirm(held)


def test_an_overwritten_recording_that_is_completed_keeps_its_transcript(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    held = bring_to(records, COMPLETED, add(sha256="old"))
    before = snapshot(database)

    assert records.replace_content(held.record.recording_path, NEW_CONTENT) is None
    assert records.replace_content("/never/heard/of.wav", NEW_CONTENT) is None
    assert snapshot(database) == before


def test_a_pause_is_seen_by_everybody_until_it_is_over(
    records: Records, settings: Settings, database: SqliteDatabase
):
    code = f"""
from pathlib import Path
from shared.store.sqlite import open_database
from shared.store.records import Records
print(Records(open_database(Path({str(settings.database)!r}))).paused())"""

    def seen_by_another() -> str:
        return subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip()

    assert not records.paused()
    records.set_paused(True)
    records.set_paused(True)
    assert (records.paused(), seen_by_another()) == (True, "True")
    records.set_paused(False)
    assert (records.paused(), seen_by_another()) == (False, "False")
