"""The transcripts of a recording follow what a person changes in it, whatever ends in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archive.library import Library
from shared.settings import Settings
from shared.speakers import LOUDNESS, ME, Label
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.library.archiving import die_at, put, tree
from tests.transcripts import sentence

SAID = sentence("Good morning, how are you?", 1000)


@pytest.fixture
def archived(library: Library, store: Store, settings: Settings) -> Record:
    """A recording with a speaker, whose files are in the library."""
    path = put(settings.inbox)
    record = store.records.add(source="inbox", title="Call", recording_path=str(path))
    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    library.archive(
        store.claims.complete(claim, [SAID], [Label(0, 4, ME, LOUDNESS, 0.9)], duration_seconds=3.0)
    )
    return store.records.get(record.id)


def name(store: Store, record: Record, new: str) -> None:
    """Give the speaker a name, as a person."""
    with store.edits.change(record.id, "name"):
        store.overlays.rename(record.id, ME, new)


def files(settings: Settings) -> dict[str, str]:
    """The transcripts of the library, by suffix."""
    found = {Path(path).suffix: content for path, content in tree(settings.library).items()}
    return {suffix: raw.decode() for suffix, raw in found.items() if suffix != ".wav"}


def test_a_new_name_is_in_every_file_of_the_library(
    library: Library, store: Store, settings: Settings, archived: Record
) -> None:
    assert files(settings)[".txt"] == "[00:00:01] Me: Good morning, how are you?\n"
    name(store, archived, "Ada")
    assert store.records.get(archived.id).archived_at is None
    library.rewrite(archived.id)
    written = files(settings)
    assert written[".txt"] == "[00:00:01] Ada: Good morning, how are you?\n"
    assert "Ada: Good morning" in written[".srt"]
    assert "<v Ada>Good morning" in written[".vtt"]
    assert '"name": "Ada"' in written[".json"]
    assert store.records.get(archived.id).archived_at is not None


def test_labels_that_were_made_again_are_written_too(
    library: Library, store: Store, settings: Settings, archived: Record
) -> None:
    store.overlays.relabel(archived.id, [Label(0, 1, ME, LOUDNESS, 0.5)])
    assert [record.id for record in store.places.unarchived()] == [archived.id]
    library.rewrite(archived.id)
    assert files(settings)[".txt"] == "[00:00:01] Me (?): Good morning,\n[00:00:01] how are you?\n"


def test_nothing_is_written_again_while_nothing_has_changed(
    library: Library, settings: Settings, archived: Record
) -> None:
    (text,) = settings.library.rglob("*.txt")
    text.write_text("a person's own edit")
    library.rewrite(archived.id)
    assert text.read_text() == "a person's own edit"


def test_a_death_before_any_step_of_writing_again_is_healed_by_the_next_sweep(
    library: Library, store: Store, settings: Settings, archived: Record
) -> None:
    deaths = 0
    while True:
        before = files(settings)
        name(store, archived, f"Ada {deaths}")
        if not die_at(settings, archived, step=deaths):
            break
        left = files(settings)
        assert all(
            text == before[suffix] or f"Ada {deaths}" in text
            for suffix, text in left.items()
            if suffix != ".part"
        )
        assert [record.id for record in store.places.unarchived()] == [archived.id]
        library.archive(store.records.get(archived.id))
        assert all(f"Ada {deaths}" in text for text in files(settings).values())
        assert files(settings).keys() == before.keys()
        deaths += 1
    assert deaths >= 8
    assert all(f"Ada {deaths}" in text for text in files(settings).values())


@pytest.mark.parametrize(
    "change",
    [
        lambda store, record: name(store, record, "Zoë"),
        lambda store, record: store.choices.describe(record.id, title="Zoë"),
    ],
    ids=["name", "title"],
)
def test_a_change_while_the_files_are_written_is_written_by_the_next_sweep(
    library: Library, store: Store, settings: Settings, archived: Record, change: Callable[..., object]
) -> None:
    name(store, archived, "Ada")
    add_files = store.places.add_files

    def meanwhile(*arguments: object) -> None:
        add_files(*arguments)  # type: ignore[arg-type]
        change(store, archived)

    store.places.add_files = meanwhile  # type: ignore[method-assign, assignment]
    library.rewrite(archived.id)
    store.places.add_files = add_files  # type: ignore[method-assign]
    assert "Ada" in files(settings)[".txt"]
    assert "Zoë" not in files(settings)[".json"]
    (waits,) = store.places.unarchived()
    library.archive(waits)
    assert "Zoë" in files(settings)[".json"]
    assert store.places.unarchived() == []


def test_a_renamed_file_is_found_after_any_number_of_changes(
    library: Library, store: Store, settings: Settings, archived: Record
) -> None:
    (text,) = settings.library.rglob("*.txt")
    first, second = settings.library / "first.txt", settings.library / "second.txt"
    text.rename(first)
    for new in ("Ada", "Zoë"):
        name(store, archived, new)
        library.rewrite(archived.id)
    text.rename(second)
    name(store, archived, "Łukasz")
    library.rewrite(archived.id)
    own = settings.library / "own.txt"
    own.write_text("Łukasz")
    found = library.files_of(store.records.get(archived.id))
    assert {first, second, text} <= set(found)
    assert own not in found
    assert len(store.places.files(archived.id)) == 4 + 2


def test_a_renamed_file_is_found_after_its_recording_was_transcribed_again(
    library: Library, store: Store, settings: Settings, archived: Record
) -> None:
    (subtitles,) = settings.library.rglob("*.srt")
    renamed = subtitles.rename(settings.library / "renamed.srt")
    store.records.requeue(archived.id)
    claim = store.claims.claim(archived.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    library.archive(store.claims.complete(claim, [sentence("Quite another text.")], duration_seconds=3.0))
    assert {renamed, subtitles} <= set(library.files_of(store.records.get(archived.id)))
