"""Rows with values that offhook did not write: each can be seen, queued again and deleted by its number."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from archive.library import Library
from shared.settings import Settings
from shared.store.sqlite.inspection import damaged_values
from shared.store.store import Store
from tests.integration.commands.calling import Cli
from tests.tables import said
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import Sweeper

DRY_RUNS = (("prune", "--older-than", "1h"), ("rebuild",))
DEEP = "[" * 989 + "]" * 989
#: A change to a row.
DAMAGE = {
    "title not UTF-8": "title = CAST(x'43616c6cff1b5d303bfe' AS TEXT)",
    "every text not UTF-8": "title = CAST(x'ff' AS TEXT), candidate_id = CAST(x'ff' AS TEXT),"
    " recording_path = CAST(x'2fff' AS TEXT), session_id = CAST(x'ff' AS TEXT),"
    " library_stem = CAST(x'ff' AS TEXT), language = CAST(x'ff' AS TEXT)",
    "texts as bytes": "title = x'ff', source = x'ff', recording_path = x'ff', sha256 = x'ff'",
    "numbers as texts": "created_at = 'then', duration_seconds = 'long', size_bytes = 'big',"
    " priority = 'high', attempts = 'many', progress = 'half', filed_at = 'later', completed_at = 'then'",
    "numbers as bytes": "created_at = x'ff', duration_seconds = x'ff', attempts = x'ff', modified_ns = x'ff'",
    "times that no calendar has": "created_at = 1e300, started_at = -1e300, completed_at = 9e999",
    "deep options": f"options = '{DEEP}', flags = '{DEEP}'",
    "options that are no object": "options = '[1]', flags = '{\"a\": 1}'",
    "flags of false types": "flags = '[1, {\"a\": 1}]'",
    "options of false types": 'options = \'{"model": [1], "beam_size": {}, "vad": "perhaps"}\'',
    "a state that there is not": "transcription_status = 'lost'",
    "a state as bytes": "transcription_status = x'ff'",
    "a place that is no name": "library_stem = '/', recording_path = 'a' || char(0) || 'b'",
    "a place outside": "library_stem = '../../x', recording_path = '/' || printf('%.9999c', 'x')",
}


@pytest.fixture(autouse=True)
def two_transcripts(settings: Settings) -> None:
    with Store.of_home(settings) as store:
        for name in ("call", "other"):
            path = settings.inbox / f"{name}.wav"
            path.write_bytes(name.encode())
            record = store.records.add(source="inbox", title=name, recording_path=str(path))
            claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
            assert claim
            segments = said([{"start_seconds": 0.0, "end_seconds": 1.0, "text": "Good morning."}])
            Library(settings, store).archive(store.claims.complete(claim, segments, duration_seconds=1.0))


def change(cli: Cli, statement: str) -> None:
    with closing(sqlite3.connect(cli.home / "offhook.db")) as database, database:
        database.execute(statement)


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_row_is_shown_queued_again_and_deleted_by_its_number(cli: Cli, case: str) -> None:
    change(cli, f"UPDATE call_records SET {DAMAGE[case]} WHERE id = 1")
    assert [record["id"] for record in cli.records()] == [2, 1]
    assert cli.record(1)["id"] == 1
    for command in (
        ("list",),
        ("show", "1"),
        ("status",),
        ("retry", "1"),
        ("show", "1"),
        ("delete", "1", "--yes"),
    ):
        done = cli(*command)
        assert (done.code, done.err) == (0, ""), command
        assert "\x1b" not in done.out
    assert [record["title"] for record in cli.records()] == ["other"]


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_row_keeps_no_command_and_no_sweep_from_the_others(
    cli: Cli, settings: Settings, tmp_path: Path, case: str
) -> None:
    change(cli, f"UPDATE call_records SET {DAMAGE[case]} WHERE id = 1")
    out = tmp_path / "out"
    assert [cli("status", "--json").code, cli("search", "morning").code] == [0, 0]
    assert cli("export", "2", "--output", out).code == 0
    assert cli("backup", tmp_path / "backups").code == 0
    assert [cli(name, *arguments, "--dry-run").code for name, *arguments in DRY_RUNS] == [0, 0]
    with Store.of_home(settings) as store, closing(HintQueue(settings.queue)) as hints:
        other = store.records.requeue(2)
        Sweeper(settings, store, hints, Library(settings, store)).sweep()
        assert not hints.is_empty()
    assert other.transcription_status == "queued"


@pytest.mark.parametrize("state", ["'lost'", "x'ff'", "CAST(x'ff' AS TEXT)"])
def test_a_record_of_a_damaged_state_can_be_cancelled(cli: Cli, state: str) -> None:
    change(cli, f"UPDATE call_records SET transcription_status = {state} WHERE id = 1")
    assert cli("cancel", "1").code == 0
    assert cli.record(1)["status"] == "cancelled"


def test_a_title_that_is_not_utf8_is_shown_with_a_sign_in_the_place_of_each_byte(cli: Cli) -> None:
    change(cli, "UPDATE call_records SET title = CAST(x'43616c6cff' AS TEXT) WHERE id = 1")
    assert cli.record(1)["title"] == "Call\ufffd"
    assert "Call\ufffd" in cli("list").out
    assert damaged_values(cli.home / "offhook.db") == ["recording 1 has a title that is not UTF-8"]
    assert "recording 1 has a title that is not UTF-8" in cli("doctor").out


def test_show_names_the_columns_that_could_not_be_read(cli: Cli) -> None:
    change(cli, "UPDATE call_records SET options = '[1]', created_at = 'then' WHERE id = 1")
    shown = cli("show", "1").out
    assert "Damaged:    options, created_at in the database" in shown


@pytest.mark.parametrize("value", ["start_seconds = 'x'", "words = '[[1, 2]]'", "first_word = x'ff'"])
def test_a_damaged_segment_keeps_its_text_readable(cli: Cli, value: str) -> None:
    change(cli, f"UPDATE segments SET {value} WHERE record_id = 1")
    assert "Good morning." in cli("show", "1").out
    assert cli("delete", "1", "--yes").code == 0


def test_deleting_a_row_with_a_damaged_session_takes_its_capture_along(cli: Cli, settings: Settings) -> None:
    with Store.of_home(settings) as store:
        store.captures.begin(
            "s",
            Path("/x.wav"),
            title="call",
            layout="mono",
            started_at=1.0,
            worker_id="w",
            verdict={"sides": [1]},
        )
    change(cli, "UPDATE captures SET session_id = CAST(x'73ff' AS TEXT)")
    change(cli, "UPDATE call_records SET session_id = CAST(x'73ff' AS TEXT) WHERE id = 1")
    assert cli("show", "1").code == 0
    assert cli("delete", "1", "--yes").code == 0
    with closing(sqlite3.connect(cli.home / "offhook.db")) as database:
        assert database.execute("SELECT count(*) FROM captures").fetchone() == (0,)


def test_json_of_a_damaged_row_can_be_read_by_programs(cli: Cli) -> None:
    change(cli, f"UPDATE call_records SET {DAMAGE['numbers as texts']}, flags = '{DEEP}' WHERE id = 1")
    shown = cli.record(1)
    assert (shown["flags"], shown["duration_seconds"], shown["attempts"]) == ([], None, 0)
