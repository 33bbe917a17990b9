"""Files that a person has renamed in the library go with their recording; those of others stay."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from archive.formats.earlier import EARLIER
from archive.library import Library
from archive.transcript import load
from shared.capture_errors import UnknownSession
from shared.errors import StateConflict
from shared.files import Fingerprint, sha256_of
from shared.home import part_of
from shared.settings import Settings
from shared.store.store import Store
from tests.stage import Stage
from tests.tables import said


def completed(settings: Settings, title: str) -> None:
    """Put a recording and its transcripts into the library."""
    path = settings.inbox / f"{title}.wav"
    path.write_bytes(title.encode() * 10)
    about = Fingerprint.of(path)
    content = {
        "sha256": sha256_of(path),
        "size_bytes": about.size_bytes,
        "modified_ns": about.modified_ns,
    }
    with Store.of_home(settings) as store:
        record = store.records.add(source="inbox", title=title, recording_path=str(path), **content)
        claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
        assert claim
        segments = said([{"start_seconds": 0.0, "end_seconds": 1.0, "text": f"This is {title}."}])
        Library(settings, store).archive(store.claims.complete(claim, segments, duration_seconds=1.0))


def test_renamed_files_are_deleted_with_their_recording_and_no_others(settings: Settings) -> None:
    completed(settings, "one")
    completed(settings, "two")
    ours = [path for path in settings.library.rglob("one.*") if path.is_file()]
    assert len(ours) == 5
    for number, path in enumerate(ours):
        path.rename(settings.library / f"Renamed {number}{path.suffix}")
    own = settings.library / "own notes.txt"
    own.write_text("a person's own")
    stage = Stage(settings.home)
    assert stage.offhook("delete", "1", "--yes").returncode == 0
    left = {path.name for path in settings.library.rglob("*") if path.is_file()}
    assert left == {own.name, *(f"two.{suffix}" for suffix in ("wav", "txt", "srt", "vtt", "json"))}
    assert stage.offhook("show", "2").returncode == 0


@pytest.mark.parametrize("changes", [0, 1])
def test_files_that_an_earlier_version_wrote_are_found_where_they_were_renamed(
    settings: Settings, changes: int
) -> None:
    completed(settings, "one")
    with Store.of_home(settings) as store:
        found = load(store, store.records.get(1), "")
        store.places.forget_files(1, store.places.files(1))
        for number, (suffix, write) in enumerate(EARLIER.items()):
            (path,) = settings.library.rglob(f"one.{suffix}")
            path.write_text(write(found), "utf-8")
            path.rename(settings.library / f"Renamed {number}.{suffix}")
        for _ in range(changes):
            store.overlays.relabel(1, [])
            Library(settings, store).rewrite(1)
    assert Stage(settings.home).offhook("delete", "1", "--yes").returncode == 0
    assert [path for path in settings.library.rglob("*") if path.is_file()] == []


def test_a_place_outside_of_the_library_is_not_written_to(settings: Settings) -> None:
    completed(settings, "one")
    with closing(sqlite3.connect(settings.database_file)) as database, database:
        database.execute("UPDATE call_records SET library_stem = '../../escaped'")
    with Store.of_home(settings) as store:
        with pytest.raises(StateConflict):
            Library(settings, store).archive(store.records.get(1))
    assert list(settings.home.parent.rglob("escaped*")) == []


def test_a_session_id_that_is_a_path_names_no_file() -> None:
    for session_id in ("../victim", "a/b", "a\\b", "", "..", "a:b"):
        with pytest.raises(UnknownSession):
            part_of(Path("recording"), session_id)
    assert part_of(Path("recording"), "0a-1b").name == "0a-1b.part"
