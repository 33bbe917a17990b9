"""A worker that is killed before any step of a move."""

from __future__ import annotations

import threading
from pathlib import Path

from archive.exports import IN_LIBRARY
from archive.library import Library
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.library.archiving import assert_archived, completed, die_at, put, tree
from tests.tables import Record


def test_a_death_before_any_step_is_healed_by_archiving_again(
    library: Library, store: Store, settings: Settings
):
    deaths = 0
    while True:
        content = f"recording {deaths}".encode()
        record = completed(store, put(settings.inbox, f"Call {deaths}.wav", content))
        if not die_at(settings, record, step=deaths):
            break
        assert store.records.get(record.id).archived_at is None
        library.archive(store.records.get(record.id))
        assert_archived(store, settings, record.id, content)
        deaths += 1

    assert deaths >= 10
    assert tree(settings.inbox) == {}
    assert len(tree(settings.library)) == (deaths + 1) * (1 + len(IN_LIBRARY))


def test_a_death_before_any_step_of_a_move_across_file_systems_is_healed_too(
    library: Library, store: Store, settings: Settings, inbox_elsewhere: Path
):
    deaths = 0
    while True:
        content = f"recording {deaths}".encode()
        record = completed(store, put(settings.inbox, f"Call {deaths}.wav", content))
        if not die_at(settings, record, step=9 + deaths):  # behind the transcripts
            break
        library.archive(store.records.get(record.id))
        assert_archived(store, settings, record.id, content)
        deaths += 1

    assert deaths >= 4
    assert tree(settings.inbox) == {}
    assert len(tree(settings.library)) == (deaths + 1) * (1 + len(IN_LIBRARY))


def test_two_that_file_the_same_recording_at_once_do_no_harm(
    library: Library, store: Store, settings: Settings
):
    for number in range(10):
        record = completed(store, put(settings.inbox, f"{number}.wav", b"%d" % number))
        start = threading.Barrier(2)

        def file(record: Record = record, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                library.archive(record)
            except FileNotFoundError:  # the other one has moved it; its owner logs this and goes on
                pass
            finally:
                store.disconnect()

        threads = [threading.Thread(target=file) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert_archived(store, settings, record.id, b"%d" % number)
