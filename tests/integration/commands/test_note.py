"""`offhook note`: notes go where their recording goes."""

from __future__ import annotations

import json
import shutil

import pytest

from archive.exports import FORMATS
from archive.rebuild import rebuild
from archive.transcript import load
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.commands.calling import Cli
from tests.integration.commands.spoken import file_of, say_again, spoken
from tests.tables import use


@pytest.fixture
def record(settings: Settings, store: Store) -> Record:
    return spoken(settings, store)


def test_a_note_is_listed_shown_exported_and_deleted(cli: Cli, settings: Settings, record: Record) -> None:
    assert cli("note", "1").err == "No notes.\n"
    cli("note", "1", "second")
    assert cli("note", "1", "--at", "0:01:23", "*asks* for\nthe contract").out == (
        "    1  00:00:00  second\n    2  00:01:23  *asks* for the contract\n"
    )
    assert cli("show", "1").out.endswith("\nNotes:\n[00:00:00] second\n[00:01:23] *asks* for the contract\n")
    assert cli("show", "1", "--format", "md").out.endswith(
        "\n\n## Notes\n\n* \\[00:00:00\\] second\n* \\[00:01:23\\] \\*asks\\* for the contract\n"
    )
    assert [it["text"] for it in json.loads(file_of(settings, record, "json"))["notes"]] == [
        "second",
        "*asks* for\nthe contract",
    ]
    assert "contract" not in file_of(settings, record)
    assert cli("note", "1", "--delete", "2").out == "    1  00:00:00  second\n"
    assert "contract" not in file_of(settings, record, "json")


def test_what_is_no_note_is_refused(cli: Cli, record: Record) -> None:
    for arguments, code in (
        (("9", "x"), 1),
        (("1", "x", "--at", "noon"), 1),
        (("1", "--delete", "7"), 1),
        (("1", " "), 2),
        (("1", "x", "--delete", "1"), 2),
    ):
        assert cli("note", *arguments).code == code, arguments
    assert cli("note", "1", "--json").json == {"record_id": 1, "notes": []}


def test_notes_outlive_another_transcript_and_a_lost_database(
    cli: Cli, settings: Settings, store: Store, record: Record
) -> None:
    cli("note", "1", "--at", "1:23", "contract")
    say_again(settings, store, store.records.requeue(1))
    before = store.notes.of_record(1)
    assert [it.text for it in before] == ["contract"]
    store.disconnect()
    for path in settings.database_file.parent.glob(f"{settings.database_file.name}*"):
        path.unlink()
    with use(Store.of_home(settings)) as fresh:
        (done,) = rebuild(settings, fresh, dry_run=False)
        assert done.error is None
        (note,) = fresh.notes.of_record(done.record_id or 0)
        assert (note.at_ms, note.text) == (83_000, "contract")
        assert abs(note.made_at - before[0].made_at) < 0.001
        assert fresh.places.unarchived() == []


def test_a_note_is_in_a_word_document(settings: Settings, store: Store, record: Record) -> None:
    docx = pytest.importorskip("docx")
    store.notes.add(1, 83_000, "contract")
    path = settings.home / "call.docx"
    path.write_bytes(FORMATS["docx"].content(load(store, store.records.get(1), "Max")))
    texts = [it.text for it in docx.Document(str(path)).paragraphs]
    assert texts[-2:] == ["Notes", "[00:01:23] contract"]
    shutil.rmtree(settings.home / "library")
