"""What a person does to a recording: queue it again, cancel it, delete it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from shared.errors import ClaimLost, RecordNotFound, StateConflict
from shared.settings import Settings
from shared.store.store import Store
from shared.store.transitions import CANCELLED, COMPLETED, FAILED, PROCESSING, QUEUED, STATES
from tests.databases import place_of
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
from tests.tables import InboxFile, Record, said, windows


@pytest.mark.parametrize("state", [COMPLETED, FAILED, CANCELLED])
def test_queueing_again_clears_what_was_made_and_counted(
    store: Store, add: Callable[..., Record], state: str
):
    record = add()
    store.claims.retry_later(claim(store, record), FAILURE, wait_seconds=0, crashed=True)
    bring_to(store, state, record)
    store.places.mark_archived(store.records.get(record.id), "/library/call.wav")
    stem = store.places.reserve_stem(record.id, iter(["2026/11/call"]))

    found = store.records.requeue(record.id)

    assert_afresh(found)
    assert found.library_stem == stem
    assert snapshot(store)["DecodedWindowRow"] == []


def test_queueing_again_keeps_the_transcript_until_there_is_another(store: Store, add: Callable[..., Record]):
    record = add()
    store.claims.complete(claim(store, record), said([segment("spoken")]))
    store.records.requeue(record.id)
    assert hits(store, "spoken") == 1

    store.claims.complete(claim(store, record), said([segment("anew")]))
    assert (hits(store, "spoken"), hits(store, "anew")) == (0, 1)


def test_a_waiting_recording_takes_on_options_and_drops_what_was_decoded_without_them(
    store: Store, add: Callable[..., Record]
):
    record = add()
    held = claim(store, record)
    store.claims.save_windows(held, windows([WINDOW]))
    store.claims.retry_later(held, FAILURE, wait_seconds=600)

    revised = store.records.revise(record.id, {}, title="Anew", priority=3)
    assert (revised.title, revised.priority, revised.next_attempt_at, revised.error_code) == (
        "Anew",
        3,
        0.0,
        None,
    )
    assert len(store.transcripts.windows(record.id)) == 1

    revised = store.records.revise(record.id, {"model": "small"})
    assert (revised.model, revised.options) == ("small", {"model": "small"})
    assert store.transcripts.windows(record.id) == []


def test_the_options_of_a_recording_that_is_being_transcribed_cannot_be_changed(
    store: Store, add: Callable[..., Record]
):
    record = add()
    claim(store, record)
    with pytest.raises(StateConflict):
        store.records.revise(record.id, {"model": "small"})


def test_queueing_again_adds_to_the_options_that_were_chosen(store: Store, add: Callable[..., Record]):
    record = add(options={"model": "small", "language": "de"})
    store.claims.complete(claim(store, record, model="small"), [])

    found = store.records.requeue(record.id, {"model": "base", "vad": False})

    assert found.options == {"model": "base", "language": "de", "vad": False}
    assert found.model == "base"


def test_a_transcript_of_the_second_time_replaces_the_first(store: Store, add: Callable[..., Record]):
    record = add()
    store.claims.complete(claim(store, record), said([segment("earlier"), segment("both")]))
    store.records.requeue(record.id)
    store.claims.complete(claim(store, record), said([segment("later"), segment("both")]))

    assert [hits(store, word) for word in ("earlier", "later", "both")] == [0, 1, 1]


def test_a_cancelled_recording_is_fenced_from_the_worker_that_had_it(
    store: Store, add: Callable[..., Record]
):
    record = add()
    held = claim(store, record)

    found = store.records.cancel(record.id)

    assert (found.transcription_status, found.claim_token, found.worker_id) == (CANCELLED, None, None)
    with pytest.raises(ClaimLost):
        store.claims.complete(held, said([segment("spoken")]))
    assert store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60) is None
    assert hits(store, "spoken") == 0


@pytest.mark.parametrize("state", STATES)
def test_a_deleted_recording_is_gone_with_everything_that_was_made_of_it(
    store: Store, add: Callable[..., Record], state: str
):
    kept = add()
    store.claims.complete(claim(store, kept), said([segment("spoken by another")]))
    before = snapshot(store)
    record = add()
    bring_to(store, state, record)
    InboxFile.create(path="/x.wav", size_bytes=1, modified_ns=1, outcome="adopted", record=record.id)

    store.records.delete(record.id)

    assert snapshot(store) == before
    assert hits(store, "spoken") == 1
    with pytest.raises(RecordNotFound):
        store.records.get(record.id)


@pytest.mark.parametrize("state", [QUEUED, FAILED, CANCELLED])
def test_an_overwritten_recording_is_queued_afresh(store: Store, add: Callable[..., Record], state: str):
    record = add(sha256="old", size_bytes=1, modified_ns=1)
    store.claims.retry_later(claim(store, record), FAILURE, wait_seconds=0, crashed=True)
    if state == QUEUED:
        held = claim(store, record)
        store.claims.save_windows(
            held, windows([WINDOW]), progress=0.5, language="en", flags=("stale_header",)
        )
        store.claims.retry_later(held, FAILURE, wait_seconds=600)
    else:
        bring_to(store, state, record)

    found = store.records.replace_content(record.recording_path, NEW_CONTENT)

    assert found is not None
    assert {name: getattr(found, name) for name in ("id", *NEW_CONTENT)} == {"id": record.id, **NEW_CONTENT}
    assert store.transcripts.windows(record.id) == []
    assert_afresh(found)


def test_an_overwritten_recording_that_is_being_processed_is_left_to_its_worker(
    store: Store, add: Callable[..., Record]
):
    held = bring_to(store, PROCESSING, add(sha256="old"))
    before = snapshot(store)

    found = store.records.replace_content(held.record.recording_path, NEW_CONTENT)

    assert found is not None
    assert found.id == held.record.id
    assert snapshot(store) == before
    store.claims.confirm(held)


def test_an_overwritten_recording_that_is_completed_keeps_its_transcript(
    store: Store, add: Callable[..., Record]
):
    held = bring_to(store, COMPLETED, add(sha256="old"))
    before = snapshot(store)

    assert store.records.replace_content(held.record.recording_path, NEW_CONTENT) is None
    assert store.records.replace_content("/never/heard/of.wav", NEW_CONTENT) is None
    assert snapshot(store) == before


def test_a_pause_is_seen_by_everybody_until_it_is_over(store: Store, settings: Settings):
    code = f"""
from pathlib import Path
from shared.store.store import Store
print(Store.open({place_of(settings)!r}).controls.paused())"""

    def seen_by_another() -> str:
        return subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip()

    assert not store.controls.paused()
    store.controls.set_paused(True)
    store.controls.set_paused(True)
    assert (store.controls.paused(), seen_by_another()) == (True, "True")
    store.controls.set_paused(False)
    assert (store.controls.paused(), seen_by_another()) == (False, "False")
