"""A lost database is made again from the library: with its transcripts, its recordings and its search."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from archive.formats.earlier import EARLIER
from archive.library import Library
from archive.transcript import Overlay, load, overlay
from shared.settings import Settings
from shared.speakers import LOUDNESS, ME, THEM, Label
from shared.store.store import Store
from tests.stage import Stage
from tests.tables import said
from tests.transcripts import sentence

SAID = "Guten Morgen, Frau Zwetschgenmann."


@pytest.fixture
def done(settings: Settings) -> Stage:
    """A home with two transcripts in its library."""
    with Store.of_home(settings) as store:
        for name in ("one", "two"):
            path = settings.inbox / f"{name}.wav"
            path.write_bytes(name.encode())
            record = store.records.add(source="inbox", title=name, recording_path=str(path))
            claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
            assert claim
            segments = said([{"start_seconds": 0.5, "end_seconds": 2.0, "text": SAID}])
            Library(settings, store).archive(
                store.claims.complete(
                    claim, segments, duration_seconds=2.0, language="de", language_probability=0.9
                )
            )
    return Stage(settings.home)


def lose_database(home: Path) -> None:
    """Take the database away."""
    for path in home.glob("offhook.db*"):
        path.unlink()


def known(stage: Stage) -> list[dict[str, object]]:
    """What a rebuild brings back of each recording."""
    names = ("title", "recording_path", "transcript_stem", "duration_seconds", "model", "status")
    names += ("language", "language_probability")
    return [{name: record[name] for name in names} for record in stage.records()]


def test_a_lost_database_is_made_again_from_the_library(done: Stage) -> None:
    before, transcript = known(done), done.read("show", "2")["transcript"]
    lose_database(done.home)
    assert "offhook rebuild" in done.offhook("doctor").stdout
    assert done.offhook("rebuild", "--dry-run").stdout == (
        "2 recordings would be made again. Nothing was changed.\n"
    )
    assert done.records() == []
    assert done.offhook("rebuild").stdout == "2 recordings made again.\n"
    assert known(done) == before
    assert done.read("show", "2")["transcript"] == transcript
    assert len(done.read("search", "Zwetschgenmann")["hits"]) == 2
    assert "every transcript in it has its recording" in done.offhook("doctor").stdout


def test_a_rebuild_can_be_run_again_and_adds_only_what_is_missing(done: Stage) -> None:
    before = done.records()
    assert done.offhook("rebuild").stdout == "0 recordings made again.\n"
    assert done.records() == before
    lose_database(done.home)
    done.offhook("rebuild")
    assert done.read("rebuild") == {"dry_run": False, "transcripts": []}
    assert len(done.records()) == 2


def test_a_damaged_database_is_kept_and_the_rebuild_goes_on(done: Stage) -> None:
    content = b"not a database at all" * 1000
    lose_database(done.home)
    (done.home / "offhook.db").write_bytes(content)
    assert "offhook rebuild" in done.offhook("doctor").stdout
    assert done.offhook("rebuild").returncode == 0
    assert len(done.records()) == 2
    (kept,) = done.home.glob("offhook.db.damaged-*")
    assert kept.read_bytes() == content


def test_a_transcript_that_cannot_be_read_is_named_and_the_rest_is_made_again(done: Stage) -> None:
    lose_database(done.home)
    (broken,) = done.home.glob("library/*/*/one.json")
    for content in ("{", "[]", '{"segments": ' + "[" * 989 + "]" * 989 + "}", json.dumps({"version": 99})):
        broken.write_text(content)
        told = done.offhook("rebuild")
        assert told.returncode == 1
        assert str(broken) in told.stderr
        assert [record["title"] for record in done.records()] == ["two"]


def test_deleting_a_recording_that_was_made_again_deletes_its_files(done: Stage) -> None:
    lose_database(done.home)
    done.offhook("rebuild")
    assert done.offhook("delete", "1", "2", "--yes").returncode == 0
    assert [path for path in (done.home / "library").rglob("*") if path.is_file()] == []


def to_the_millisecond(found: Overlay) -> Overlay:
    """The same with the times of corrections as JSON has them."""
    times = [replace(it, made_at=int(it.made_at * 1000) / 1000) for it in found.corrections]
    return replace(found, corrections=tuple(times))


def test_speakers_names_and_corrections_come_back(done: Stage, settings: Settings) -> None:
    with Store.of_home(settings) as store:
        claim = store.claims.claim(store.records.requeue(1).id, worker_id="w", model="m", lease_seconds=60)
        assert claim
        segment = sentence("Guten Morgen, Frau Zwetschgenmann.")
        record = store.claims.complete(
            claim, [segment], [Label(0, 3, ME, LOUDNESS, 0.6)], duration_seconds=2.0
        )
        with store.edits.change(1, "edit"):
            store.overlays.assign(1, 3, 3, THEM)
            store.overlays.rename(1, ME, "Ada")
            store.overlays.correct(1, 2, 2, "Herr")
        Library(settings, store).archive(record)
        before = to_the_millisecond(overlay(store, 1))
    shown = done.read("show", "1")
    lose_database(done.home)
    assert done.offhook("rebuild").stdout == "2 recordings made again.\n"
    with Store.of_home(settings) as store:
        assert to_the_millisecond(overlay(store, 1)) == before
    again = done.read("show", "1")
    assert {key: again[key] for key in ("transcript", "speakers", "passages")} == {
        key: shown[key] for key in ("transcript", "speakers", "passages")
    }
    assert [hit["record_id"] for hit in done.read("search", "Herr")["hits"]] == [1]


def test_a_transcript_of_a_version_that_knew_no_speakers_is_made_again(
    done: Stage, settings: Settings
) -> None:
    (path,) = done.home.glob("library/*/*/one.json")
    with Store.of_home(settings) as store:
        path.write_text(EARLIER["json"](load(store, store.records.get(1), "")), "utf-8")
    lose_database(done.home)
    assert done.offhook("rebuild").stdout == "2 recordings made again.\n"
    assert done.read("show", "1")["passages"][0]["text"] == SAID


@pytest.mark.parametrize(
    "key",
    [
        {"labels": [{"first_word": 3, "last_word": 1, "speaker": "me", "source": "person"}]},
        {
            "labels": [
                {"first_word": 0, "last_word": 0, "speaker": "me", "source": "person", "probability": 2}
            ]
        },
        {
            "corrections": [
                {"first_word": 0, "last_word": 0, "text": "x", "source": "person", "made_at": "now"}
            ]
        },
        {"speakers": ["me"]},
        {"labels": {}},
    ],
)
def test_a_transcript_with_damaged_speakers_is_named_and_nothing_of_it_is_stored(
    done: Stage, key: dict[str, object]
) -> None:
    lose_database(done.home)
    (broken,) = done.home.glob("library/*/*/one.json")
    broken.write_text(json.dumps(json.loads(broken.read_text("utf-8")) | key))
    told = done.offhook("rebuild")
    assert (told.returncode, str(broken) in told.stderr) == (1, True)
    assert [record["title"] for record in done.records()] == ["two"]
