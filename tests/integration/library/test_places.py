"""Each recording has a place of its own."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from archive.exports import IN_LIBRARY
from archive.library import Library
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.library.archiving import assert_archived, completed, put


def test_two_recordings_with_the_same_title_have_places_of_their_own(
    library: Library, store: Store, settings: Settings
):
    archived = []
    for number in range(12):
        record = completed(store, put(settings.inbox, f"{number}.wav", b"%d" % number), title="Call")
        archived.append((record.id, library.archive(record).name))

    assert [name for _, name in archived[:3]] == ["Call", "Call (2)", "Call (3)"]
    assert len({name for _, name in archived}) == 12
    for number, (record_id, _) in enumerate(archived):
        assert_archived(store, settings, record_id, b"%d" % number)


def test_titles_that_differ_in_case_alone_have_places_that_windows_and_macos_tell_apart(
    library: Library, store: Store, settings: Settings
):
    stems = [
        library.archive(completed(store, put(settings.inbox, f"{number}.wav"), title=title))
        for number, title in enumerate(("Call", "call", "CALL"))
    ]

    assert len({str(stem).casefold() for stem in stems}) == 3


def test_titles_in_composed_and_decomposed_letters_have_places_that_macos_tells_apart(
    library: Library, store: Store, settings: Settings
):
    stems = [
        library.archive(
            completed(store, put(settings.inbox, f"{form}.wav"), unicodedata.normalize(form, "Zoë"))
        )
        for form in ("NFC", "NFD")
    ]

    assert len({unicodedata.normalize("NFC", str(stem)) for stem in stems}) == 2


@pytest.mark.parametrize("suffix", ["txt", "wav", "docx"])
def test_a_strangers_file_of_the_same_name_stays_as_it_is(
    library: Library, store: Store, settings: Settings, suffix: str
):
    first = completed(store, put(settings.inbox, "first.wav"))
    month = library.archive(first).parent
    stranger = month / f"Call [1].{suffix}"
    stranger.write_text("mine")

    stem = library.archive(completed(store, put(settings.inbox, "second.wav"), title="Call [1]"))

    assert stem.name == "Call [1] (2)"
    assert stranger.read_text() == "mine"


def test_a_title_with_signs_that_glob_knows_meets_no_other(
    library: Library, store: Store, settings: Settings
):
    titles = ["[ab]", "a", "[!a]", "b"]
    stems = [
        library.archive(completed(store, put(settings.inbox, f"{n}.wav"), title=title)).name
        for n, title in enumerate(titles)
    ]

    assert stems == titles


@pytest.mark.parametrize("outside", ["elsewhere", "home/recording", "home/inbox/folder"])
def test_a_recording_that_is_not_in_the_inbox_stays_where_it_is(
    library: Library, store: Store, settings: Settings, tmp_path: Path, outside: str
):
    folder = tmp_path / outside
    folder.mkdir(parents=True, exist_ok=True)
    source = put(folder)
    record = completed(store, source)

    stem = library.archive(record)

    assert source.read_bytes() == b"the recording"
    assert store.records.get(record.id).recording_path == str(source)
    assert {path.name for path in stem.parent.iterdir()} == {f"Call.{suffix}" for suffix in IN_LIBRARY}


def test_with_keep_in_place_a_recording_stays_in_the_inbox(store: Store, settings: Settings):
    source = put(settings.inbox)
    record = completed(store, source)

    Library(replace(settings, keep_in_place=True), store).archive(record)

    archived = store.records.get(record.id)
    assert source.read_bytes() == b"the recording"
    assert (archived.recording_path, archived.archived_at is not None) == (str(source), True)


def test_the_files_of_a_record_are_its_transcripts_and_the_recording_that_is_ours(
    library: Library, store: Store, settings: Settings, tmp_path: Path
):
    ours = completed(store, put(settings.inbox, "ours.wav"))
    theirs = completed(store, put(tmp_path, "theirs.wav"))
    assert library.files_of(ours) == [settings.inbox / "ours.wav"]
    assert library.files_of(theirs) == []
    for record in ours, theirs:
        library.archive(record)

    assert {path.name for path in library.files_of(store.records.get(ours.id))} == {
        *(f"ours.{suffix}" for suffix in IN_LIBRARY),
        "ours.wav",
    }
    assert {path.name for path in library.files_of(store.records.get(theirs.id))} == {
        f"theirs.{suffix}" for suffix in IN_LIBRARY
    }
