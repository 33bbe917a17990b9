"""Copies, replacements and recordings that come back."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from shared.files import Fingerprint, sha256_of
from shared.settings import Settings
from shared.store.claims import Failure
from shared.store.store import Store
from tests.integration.inbox.files import SETTLE_SECONDS, Clock, outcomes, put, recording
from tests.tables import InboxFile, Record
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue


def complete(store: Store, record: Record) -> None:
    claim = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    store.claims.complete(claim, [])


# Copies and replacements


def test_the_same_content_twice_is_one_record_and_a_copy(
    inbox: Inbox, store: Store, settings: Settings, caplog: pytest.LogCaptureFixture
):
    first = put(settings.inbox, "first.wav")
    inbox.sweep()
    second = put(settings.inbox, "second.wav")
    for _ in range(3):
        inbox.sweep()

    (record,) = Record.select()
    assert record.recording_path == str(first)
    assert outcomes() == {"first.wav": "adopted", "second.wav": "copy"}
    assert InboxFile.get_by_id(str(second)).record_id == record.id
    assert second.exists()
    assert caplog.text.count("a copy of recording") == 1


def test_two_files_with_the_same_content_at_once_are_one_record_and_a_copy(
    inbox: Inbox, store: Store, settings: Settings
):
    put(settings.inbox, "first.wav")
    put(settings.inbox, "second.wav")
    inbox.sweep()

    assert len(Record.select()) == 1
    assert sorted(outcomes().values()) == ["adopted", "copy"]


def test_what_was_transcribed_before_is_a_copy_when_it_comes_again(
    inbox: Inbox, store: Store, settings: Settings, tmp_path: Path
):
    path = put(settings.inbox)
    inbox.sweep()
    (record,) = Record.select()
    complete(store, record)
    store.places.mark_archived(record, recording_path=str(path.rename(tmp_path / "archived.wav")))
    inbox.sweep()
    put(settings.inbox)
    inbox.sweep()

    assert len(Record.select()) == 1
    assert outcomes() == {"call.wav": "copy"}


def test_new_content_under_the_name_of_a_waiting_recording_is_the_same_record(
    inbox: Inbox, store: Store, settings: Settings
):
    put(settings.inbox)
    inbox.sweep()
    (before,) = Record.select()
    path = put(settings.inbox, content=recording(seed=2, seconds=0.2))
    inbox.sweep()

    (after,) = Record.select()
    assert (after.id, after.sha256, after.size_bytes) == (before.id, sha256_of(path), path.stat().st_size)
    assert after.transcription_status == "queued"


def test_new_content_under_the_name_of_a_completed_recording_is_a_new_record(
    inbox: Inbox, store: Store, settings: Settings
):
    put(settings.inbox)
    inbox.sweep()
    (first,) = Record.select()
    complete(store, first)
    path = put(settings.inbox, content=recording(seed=2, seconds=0.2))
    inbox.sweep()

    second = Record.select().order_by(Record.id.desc()).get()
    assert [record.transcription_status for record in Record.select()] == ["completed", "queued"]
    assert (second.sha256, store.records.get(first.id).sha256) == (sha256_of(path), first.sha256)


def test_new_content_under_the_name_of_a_failed_recording_is_tried_afresh(
    inbox: Inbox, store: Store, settings: Settings
):
    put(settings.inbox, content=b"no recording at all".ljust(100))
    inbox.sweep()
    inbox.monotonic.now += SETTLE_SECONDS  # type: ignore[attr-defined]
    inbox.sweep()
    (record,) = Record.select()
    claim = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    store.claims.fail(claim, Failure("not_a_recording", "it seems to be text"))
    put(settings.inbox)
    inbox.sweep()

    (again,) = Record.select()
    assert (again.id, again.transcription_status, again.attempts) == (record.id, "queued", 0)
    assert (again.error_code, again.transcription_error) == (None, None)


def test_content_that_came_while_the_old_was_read_is_not_forgotten_when_the_old_fails(
    inbox: Inbox, store: Store, settings: Settings
):
    put(settings.inbox)
    inbox.sweep()
    (record,) = Record.select()
    claim = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    path = put(settings.inbox, content=recording(seed=2, seconds=0.2))
    inbox.sweep()
    assert store.records.get(record.id).transcription_status == "processing"
    store.claims.fail(claim, Failure("damaged_header", "the old one was damaged"))
    for _ in range(3):
        inbox.monotonic.now += SETTLE_SECONDS  # type: ignore[attr-defined]
        inbox.sweep()

    waiting = [record for record in Record.select() if record.transcription_status == "queued"]
    assert [record.sha256 for record in waiting] == [sha256_of(path)]


@pytest.mark.parametrize("name", ["call.wav", "another name.wav"])
def test_a_recording_that_failed_because_it_was_gone_is_tried_again_when_it_comes_back(
    inbox: Inbox, store: Store, settings: Settings, name: str
):
    path = put(settings.inbox)
    inbox.sweep()
    (record,) = Record.select()
    path.unlink()
    claim = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    store.claims.fail(claim, Failure("recording_missing", "it is gone"))
    inbox.sweep()
    put(settings.inbox, name)
    inbox.sweep()

    (waiting,) = [record for record in Record.select() if record.transcription_status == "queued"]
    assert Path(waiting.recording_path) == settings.inbox / name


def test_a_recording_that_was_touched_and_holds_the_same_is_neither_new_nor_a_copy(
    inbox: Inbox, store: Store, settings: Settings
):
    path = put(settings.inbox)
    inbox.sweep()
    os.utime(path, ns=(10**18, 10**18))
    inbox.sweep()

    assert len(Record.select()) == 1
    assert outcomes() == {"call.wav": "adopted"}


# Watching


def test_a_captured_call_is_known_again_even_if_it_is_over_the_limit(
    settings: Settings, store: Store, hints: HintQueue, clock: Clock
) -> None:
    strict = replace(settings, largest_file_gb=0.001)
    path = put(settings.inbox, content=recording(seconds=60))
    captures, content = store.captures, {"sha256": sha256_of(path), **asdict(Fingerprint.of(path))}
    captures.begin("a", path, title="Call", layout="mono", started_at=1.0, worker_id="capture-1")
    captures.queue("a", content)
    Inbox(strict, store, hints, monotonic=clock).sweep()
    (record,) = Record.select()
    assert (record.source, record.sha256) == ("capture", content["sha256"])
    assert outcomes() == {"call.wav": "adopted"}
