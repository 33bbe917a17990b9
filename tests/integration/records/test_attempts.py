"""The end of an attempt: completed, failed, given up or handed back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.errors import StoreConflict
from shared.store.claims import Failure
from shared.store.store import Store
from shared.store.transitions import COMPLETED, FAILED, QUEUED
from tests.integration.records.operations import (
    FAILURE,
    NEW_CONTENT,
    WINDOW,
    Clock,
    assert_afresh,
    at_once,
    claim,
    hits,
    operation,
    segment,
    snapshot,
)
from tests.tables import Record, Segment, execute, said, windows


def test_a_transcript_its_index_and_its_status_come_together(
    store: Store, add: Callable[..., Record], clock: Clock
):
    held = claim(store, add())
    store.claims.save_windows(held, windows([WINDOW]), progress=0.5)
    spoken = [segment(f"Größe number{n}", float(n)) for n in range(250)]

    store.claims.complete(held, said(spoken), language="de", duration_seconds=250.0)

    found = store.records.get(held.record.id)
    assert (found.transcription_status, found.progress, found.completed_at) == (COMPLETED, 1.0, clock.now)
    assert (found.language, found.duration_seconds) == ("de", 250.0)
    assert (found.claim_token, found.worker_id, found.lease_expires_at) == (None, None, None)
    assert [s.text for s in Segment.select().order_by(Segment.start_seconds)] == [s["text"] for s in spoken]
    found_by = {word: len(store.transcripts.search(word, 999)) for word in ("groesse", "GRÖSSE", "Größe")}
    assert found_by == {"groesse": 250, "GRÖSSE": 250, "Größe": 250}
    assert (hits(store, "grosse"), hits(store, "number249")) == (250, 1)
    assert store.transcripts.windows(found.id) == []


def test_a_transcript_that_cannot_be_written_as_a_whole_is_not_written_at_all(
    store: Store, add: Callable[..., Record]
):
    held = claim(store, add())
    store.claims.save_windows(held, windows([WINDOW]), progress=0.5)
    before = snapshot(store)

    spoken = said([segment("spoken")] * 150)
    with pytest.raises(StoreConflict):
        store.claims.complete(held, [*spoken, replace(spoken[0], start_ms=float("nan"))])

    assert snapshot(store) == before
    store.claims.complete(held, said([segment("spoken")]))


def test_nobody_sees_a_completed_recording_without_its_transcript(store: Store, add: Callable[..., Record]):
    claims = [claim(store, add()) for _ in range(15)]
    done = threading.Event()

    def complete_all() -> None:
        try:
            for held in claims:
                store.claims.complete(held, said([segment("spoken") for _ in range(120)]))
        finally:
            done.set()

    def look() -> set[int]:
        seen: set[int] = set()
        sql = """SELECT r.id, (SELECT count(*) FROM segments s WHERE s.record_id = r.id)
            FROM call_records r WHERE r.transcription_status = 'completed'"""
        over = False
        while not over:
            over = done.is_set()  # so the last look comes after the last transcript
            seen |= {count for _, count in execute(sql).fetchall()}
        return seen

    completed, seen = at_once(store, [complete_all, look])

    assert completed is None
    assert seen == {120}


def test_a_failed_attempt_says_why_and_rests(store: Store, add: Callable[..., Record], clock: Clock):
    held = claim(store, add())
    store.claims.save_windows(held, windows([WINDOW]), progress=0.5)

    record = store.claims.retry_later(held, FAILURE, wait_seconds=20)

    assert (record.transcription_status, record.attempts, record.crashes) == (QUEUED, 1, 0)
    assert (record.error_code, record.transcription_error) == (FAILURE.code, FAILURE.message)
    assert record.next_attempt_at == clock.now + 20
    assert len(store.transcripts.windows(record.id)) == 1  # the next attempt goes on behind it


def test_the_next_attempt_forgets_why_the_last_one_failed(store: Store, add: Callable[..., Record]):
    record = add()
    store.claims.retry_later(claim(store, record), FAILURE, wait_seconds=0)

    found = claim(store, record).record

    assert (found.error_code, found.transcription_error) == (None, None)


def test_a_recording_that_is_given_up_says_why_and_when(
    store: Store, add: Callable[..., Record], clock: Clock
):
    record = store.claims.fail(claim(store, add()), FAILURE, crashed=True)

    assert (record.transcription_status, record.crashes, record.completed_at) == (FAILED, 1, clock.now)
    assert (record.error_code, record.transcription_error) == (FAILURE.code, FAILURE.message)
    assert store.records.due(limit=9) == []


@pytest.mark.parametrize("name", ["hand_back", "hold"])
def test_a_recording_that_is_handed_back_or_held_has_not_spent_an_attempt(
    store: Store, add: Callable[..., Record], name: str
):
    record = add()
    store.claims.retry_later(claim(store, record), FAILURE, wait_seconds=0, crashed=True)
    held = claim(store, record)
    store.claims.save_windows(held, windows([WINDOW]), progress=0.5)

    operation(store, name, held)

    found = store.records.get(record.id)
    assert (found.transcription_status, found.attempts, found.crashes) == (QUEUED, 1, 1)
    assert len(store.transcripts.windows(record.id)) == 1


def test_a_recording_that_is_handed_back_is_due_at_once_and_one_on_hold_later(
    store: Store, add: Callable[..., Record], clock: Clock
):
    handed_back, on_hold = add(), add()
    store.claims.hand_back(claim(store, handed_back))
    record = store.claims.hold(claim(store, on_hold), Failure("model_missing", "no model"), wait_seconds=30)

    assert [r.id for r in store.records.due(limit=9)] == [handed_back.id]
    assert (record.error_code, record.transcription_error) == ("model_missing", "no model")
    clock.now += 30
    assert [r.id for r in store.records.due(limit=9)] == [handed_back.id, on_hold.id]


def test_starting_over_forgets_everything_about_the_old_content(
    store: Store, add: Callable[..., Record], clock: Clock
):
    record = add(sha256="old", size_bytes=1, modified_ns=1)
    store.claims.retry_later(claim(store, record), FAILURE, wait_seconds=0, crashed=True)
    held = claim(store, record)
    store.claims.save_windows(held, windows([WINDOW]), progress=0.5, language="en", flags=("stale_header",))

    found = store.claims.start_over(held, wait_seconds=5, **NEW_CONTENT)

    assert {name: getattr(found, name) for name in NEW_CONTENT} == NEW_CONTENT
    assert_afresh(found, next_attempt_at=clock.now + 5)
    assert store.transcripts.windows(record.id) == []


@pytest.mark.parametrize("asked_for", [None, "small"], ids=["the default", "a model of its own"])
@pytest.mark.parametrize("name", ["retry_later", "hand_back", "hold", "start_over", "replace_content"])
def test_a_recording_that_waits_again_waits_for_the_model_that_was_asked_for(
    store: Store, add: Callable[..., Record], name: str, asked_for: str | None
):
    """Not for the one that was the default at the last attempt: models.py says so of the column, and
    `offhook status` counts by it what waits for which model."""
    record = add(options={"model": asked_for} if asked_for else {})
    held = claim(store, record, model=asked_for or "tiny.en")

    if name == "replace_content":
        store.claims.fail(held, FAILURE)
        store.records.replace_content(record.recording_path, NEW_CONTENT)
    else:
        operation(store, name, held)

    assert store.records.get(record.id).model == asked_for
