"""Recordings that move while others are transcribed, replaced or deleted."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from archive.exports import IN_LIBRARY
from archive.library import Library
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.library.archiving import assert_archived, completed, die_at, put, tree
from tests.tables import Record
from transcribe_worker.jobs.archiver import Archiver


def die_behind_the_move(settings: Settings, record: Record) -> None:
    """File in a process that dies when it has moved the recording and not noted it."""
    assert die_at(settings, record, step=-1)
    assert not Path(record.recording_path).exists()


def test_a_recording_is_archived_beside_the_work_and_before_the_one_after_the_next(
    library: Library, store: Store, settings: Settings
):
    first, second = (
        completed(store, put(settings.inbox, name, name.encode())) for name in ("1.wav", "2.wav")
    )
    with closing(Archiver(library, store.disconnect)) as archiver:
        with library.alone():
            archiver.archive(first)
            assert store.records.get(first.id).archived_at is None
        archiver.archive(second)
        assert_archived(store, settings, first.id, b"1.wav")
    assert_archived(store, settings, second.id, b"2.wav")


def test_what_cannot_be_archived_is_left_and_the_next_is_archived(
    library: Library, store: Store, settings: Settings
):
    lost, kept = (completed(store, put(settings.inbox, name, name.encode())) for name in ("1.wav", "2.wav"))
    store.records.delete(lost.id)
    with closing(Archiver(library, store.disconnect)) as archiver:
        archiver.archive(lost)
        archiver.archive(kept)
    assert_archived(store, settings, kept.id, b"2.wav")


def test_what_an_archiving_that_died_has_left_goes_when_it_is_done_again(
    library: Library, store: Store, settings: Settings
):
    record = completed(store, put(settings.inbox))
    deaths = 0
    while not list(settings.library.rglob("*.part")):
        assert die_at(settings, record, step=deaths)
        deaths += 1
    library.archive(record)  # it is what the record was before anybody had begun

    assert not list(settings.library.rglob("*.part"))


def test_a_new_recording_that_took_the_name_of_one_that_has_moved_is_left_alone(
    library: Library, store: Store, settings: Settings
):
    """The old one's worker died between the move and the note; then the name was used again."""
    record = completed(store, put(settings.inbox, content=b"the old call"))
    die_behind_the_move(settings, record)
    assert not Path(record.recording_path).exists()
    assert store.records.get(record.id).archived_at is None
    new = put(settings.inbox, content=b"the new call")

    library.archive(store.records.get(record.id))

    assert new.read_bytes() == b"the new call"
    assert_archived(store, settings, record.id, b"the old call")


def test_a_recording_that_was_replaced_before_it_moved_is_not_archived_as_the_old_one(
    library: Library, store: Store, settings: Settings
):
    record = completed(store, put(settings.inbox, content=b"the old call"))
    new = put(settings.inbox, content=b"the new call, which is longer")

    library.archive(record)

    assert new.exists()
    assert b"the new call, which is longer" not in tree(settings.library).values()


def test_a_recording_that_was_deleted_is_archived_as_far_as_it_is_there(
    library: Library, store: Store, settings: Settings
):
    """Otherwise the sweeper tries again every two seconds, for ever."""
    record = completed(store, put(settings.inbox))
    Path(record.recording_path).unlink()

    library.archive(record)

    assert store.records.get(record.id).archived_at is not None
    assert len(tree(settings.library)) == len(IN_LIBRARY)


def test_a_recording_that_is_queued_again_while_it_moves_is_found_where_it_went(
    settings: Settings, store: Store
):
    mark_archived = store.places.mark_archived

    def interrupted(record: Record, recording_path: str, **columns: bool) -> None:
        store.records.requeue(record.id)
        mark_archived(record, recording_path, **columns)

    store.places.mark_archived = interrupted
    record = completed(store, put(settings.inbox))

    Library(settings, store).archive(record)

    again = store.records.get(record.id)
    assert (again.transcription_status, again.archived_at) == ("queued", None)
    assert Path(again.recording_path).is_file()
