"""The order of changes: whoever changes a record, a page that was away sees it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from shared.store.store import Store
from shared.words import Segment, Word


def add(store: Store, title: str = "call") -> int:
    return store.records.add(source="added", title=title, recording_path=f"/{title}.wav").id


def changed(store: Store, after: int) -> list[int]:
    return [change.record_id for change in store.changes.since(after, 100)]


def transcribe(store: Store, record_id: int) -> None:
    claim = store.claims.claim(record_id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    store.claims.complete(claim, [Segment(0, 100, "word", (Word(0, 100, " word", 0.9),))])


CHANGES: dict[str, Callable[[Store, int], object]] = {
    "claimed": lambda store, it: store.claims.claim(it, worker_id="w", model="m", lease_seconds=60),
    "cancelled": lambda store, it: store.records.cancel(it),
    "given options": lambda store, it: store.records.revise(it, {"language": "de"}),
    "deleted": lambda store, it: store.records.delete(it),
    "deleted for now": lambda store, it: store.deletions.add(it, time.time()),
    "named": lambda store, it: store.records.revise(it, {}, title="other"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_is_seen_of_a_record_comes_after_what_was_seen(store: Store, what: str) -> None:
    first, _ = add(store, "one"), add(store, "two")
    seen = store.changes.latest()

    CHANGES[what](store, first)

    assert changed(store, seen) == [first]
    assert store.changes.latest() > seen


def test_each_record_has_one_change_the_last_one(store: Store) -> None:
    first, second = add(store, "one"), add(store, "two")
    store.records.cancel(first)
    store.records.requeue(first)

    assert changed(store, 0) == [second, first]
    assert [it.record_id for it in store.changes.since(0, 1)] == [second]


def test_a_deleted_record_is_still_known_as_deleted(store: Store) -> None:
    record_id = add(store)
    store.deletions.add(record_id, time.time() + 30)
    store.records.delete(record_id)

    change = store.changes.of_record(record_id)

    assert change
    assert change.is_deleted
    assert change.seq == store.changes.latest()


def test_an_undone_deletion_is_a_change(store: Store) -> None:
    record_id = add(store)
    store.deletions.add(record_id, time.time() + 30)
    seen = store.changes.latest()

    assert store.deletions.remove([record_id, 4711]) == [record_id]
    assert changed(store, seen) == [record_id]


def test_a_new_transcript_is_a_change_of_words_and_a_new_title_is_none(store: Store) -> None:
    record_id = add(store)
    transcribe(store, record_id)
    written = store.changes.of_record(record_id)
    assert written
    assert written.words_seq == written.seq

    store.places.mark_archived(store.records.get(record_id), "/elsewhere.wav")
    archived = store.changes.of_record(record_id)

    assert archived
    assert archived.words_seq == written.words_seq < archived.seq


def test_a_changed_name_of_a_speaker_is_a_change_of_words(store: Store) -> None:
    record_id = add(store)
    transcribe(store, record_id)
    store.places.mark_archived(store.records.get(record_id), "/elsewhere.wav")
    seen = store.changes.latest()

    with store.edits.change(record_id, "speaker"):
        store.overlays.rename(record_id, "me", "Ada")

    change = store.changes.of_record(record_id)
    assert change
    assert change.words_seq > seen


def test_a_record_that_never_was_has_no_change(store: Store) -> None:
    assert store.changes.of_record(1) is None
    assert store.changes.latest() == 0
