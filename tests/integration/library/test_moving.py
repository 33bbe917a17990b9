"""A finished recording moves to the library beside its transcripts."""

from __future__ import annotations

import json
import os
import re

import pytest

from archive.exports import IN_LIBRARY
from archive.library import Library
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.library.archiving import WORDS, assert_archived, completed, completed_again, put, tree


def test_a_finished_recording_moves_to_the_library_beside_its_transcripts(
    library: Library, store: Store, settings: Settings
):
    source = put(settings.inbox)
    record = completed(store, source)

    stem = library.archive(record)

    assert stem.parent.parent.parent == settings.library
    assert re.fullmatch(r"\d{4}/\d{2}/Call", str(stem.relative_to(settings.library)))
    assert {path.name for path in stem.parent.iterdir()} == {
        "Call.wav",
        *(f"Call.{suffix}" for suffix in IN_LIBRARY),
    }
    assert not source.exists()
    assert_archived(store, settings, record.id, b"the recording")
    assert json.loads(stem.with_suffix(".json").read_text("utf-8"))["record_id"] == record.id


def test_archiving_again_changes_nothing(library: Library, store: Store, settings: Settings):
    record = completed(store, put(settings.inbox))
    library.archive(record)
    before = tree(settings.library)

    library.archive(store.records.get(record.id))
    library.archive(record)  # as a sweeper does that read the record before it was archived

    assert tree(settings.library) == before
    assert_archived(store, settings, record.id, b"the recording")


def test_files_are_their_owners_alone(library: Library, store: Store, settings: Settings):
    if os.name == "nt":
        pytest.skip("Windows has no file modes")
    library.archive(completed(store, put(settings.inbox)))

    made = [path for path in settings.library.rglob("*") if path.suffix != ".wav"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in made)


def test_a_transcript_made_again_replaces_the_old_one_in_its_place(
    library: Library, store: Store, settings: Settings
):
    record = completed(store, put(settings.inbox))
    stem = library.archive(record)
    stem.with_suffix(".txt").write_text("old")
    store.records.requeue(record.id)
    again = completed_again(store, record)

    assert library.archive(again) == stem
    assert stem.with_suffix(".txt").read_text("utf-8") == f"{WORDS}\n"
    assert_archived(store, settings, record.id, b"the recording")
