"""`offhook prune`: ages, states and dry runs."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from archive.erasing import Eraser
from archive.library import Library
from offhook.commands.erase import Age
from shared.settings import Settings
from shared.store.captures import RECORDING
from shared.store.store import Store
from tests.integration.erasing.calls import (
    CANDIDATE,
    DAY_SECONDS,
    TITLE,
    Clock,
    dead_capture,
    state_of,
    the_call,
)
from tests.stage import Stage
from tests.tables import (
    Record,
)


@pytest.fixture
def aged(store: Store) -> dict[str, int]:
    """Recordings in every state, each with the moment that counts 90 days ago, or an hour less or more."""
    now, found = time.time(), {}
    for state in ("completed", "failed", "cancelled", "queued", "processing"):
        for name, days in (("older", 90.05), ("younger", 89.95)):
            record = store.records.add(
                source="added", title=f"{state} {name}", recording_path=f"/{state}.wav"
            )
            moment = now - days * DAY_SECONDS
            other = {"completed_at": moment, "created_at": moment - 500 * DAY_SECONDS}
            columns = {"created_at": moment} if state in ("cancelled", "queued", "processing") else other
            Record.update(transcription_status=state, **columns).where(Record.id == record.id).execute()
            found[record.title] = record.id
    return found


# prune


@pytest.mark.parametrize("age", ["90d", "2160h", " 90D "])
def test_prune_deletes_what_is_finished_and_old_enough_and_nothing_that_waits_or_runs(
    store: Store, stage: Stage, aged: dict[str, int], age: str
) -> None:
    done = stage.offhook("prune", "--older-than", age, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    left = {record.title for record in Record.select()}
    assert set(aged) - left == {"completed older", "failed older", "cancelled older"}


def test_an_old_recording_that_is_cancelled_today_is_not_old(
    store: Store, settings: Settings, library: Library
) -> None:
    """Somebody who queues a call of last year again, and thinks better of it, keeps its transcript."""
    record = the_call(settings, store)
    long_ago = time.time() - 400 * DAY_SECONDS
    Record.update(created_at=long_ago, completed_at=long_ago).where(Record.id == record.id).execute()
    eraser = Eraser(settings, store, library)
    assert [found.id for found in eraser.older_than(90 * DAY_SECONDS)] == [record.id]

    store.records.requeue(record.id)
    store.records.cancel(record.id)

    assert eraser.older_than(90 * DAY_SECONDS) == []
    assert record.id in [found.id for found in eraser.older_than(0)]


def test_prune_takes_a_state_when_it_is_told_to(store: Store, stage: Stage, aged: dict[str, int]) -> None:
    assert stage.offhook("prune", "--older-than", "1w", "--status", "failed", "--yes").returncode == 0
    assert set(aged) - {record.title for record in Record.select()} == {"failed older", "failed younger"}


@pytest.mark.parametrize(
    ("age", "seconds"),
    [("12h", 0.5), ("90d", 90), ("8w", 56), ("6m", 180), ("2y", 730), ("0d", 0)],
)
def test_the_units_of_an_age(age: str, seconds: float) -> None:
    assert Age().convert(age, None, None) == seconds * DAY_SECONDS


@pytest.mark.parametrize("age", ["", "90", "d", "-1d", "1.5d", "90days", "9999999d", "٣d"])
def test_an_age_that_is_none_is_refused(stage: Stage, store: Store, aged: dict[str, int], age: str) -> None:
    assert stage.offhook("prune", "--older-than", age, "--yes").returncode == 2
    assert Record.select().count() == len(aged)


def test_an_age_counts_to_the_second(store: Store, settings: Settings, library: Library) -> None:
    record = store.records.add(source="added", title="call", recording_path="/call.wav")
    cancelled = store.records.cancel(record.id)
    for seconds, expected in ((10.0, 1), (10.001, 0)):
        clock = Clock(cancelled.completed_at + 10.0)
        eraser = Eraser(settings, store, library, clock)
        assert len(eraser.older_than(seconds)) == expected


def test_prune_refuses_where_nobody_can_be_asked(stage: Stage, store: Store, aged: dict[str, int]) -> None:
    done = stage.offhook("prune", "--older-than", "90d", stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "offhook: prune asks before it deletes. Give --yes to delete without being asked.\n"
    assert Record.select().count() == len(aged)


def test_prune_says_so_if_there_is_nothing_to_delete(stage: Stage, store: Store) -> None:
    done = stage.offhook("prune", "--older-than", "90d")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "No finished recording is that old.\n")


# Dry runs


@pytest.mark.parametrize(
    "command",
    [["delete", "13"], ["delete", "--candidate", CANDIDATE], ["prune", "--older-than", "0d"]],
    ids=["delete", "candidate", "prune"],
)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["people", "programs"])
def test_a_dry_run_changes_nothing_and_names_what_would_go(
    settings: Settings, store: Store, stage: Stage, command: list[str], form: list[str]
) -> None:
    record = the_call(settings, store)
    part = dead_capture(settings, store.captures, RECORDING)
    before = state_of(settings)

    done = stage.offhook(*command, "--dry-run", *form)

    assert (done.returncode, done.stderr) == (0, "")
    assert state_of(settings) == before
    if form:
        found = {entry["id"]: entry for entry in json.loads(done.stdout)["recordings"]}
        assert found[13]["title"] == TITLE
        assert len(found[13]["files"]) == 6
        assert found[13]["size_bytes"] == sum(Path(path).stat().st_size for path in found[13]["files"])
        assert (None in found) is ("--candidate" in command)
    else:
        assert f'Recording 13 "{TITLE}", completed\n  {record.recording_path}\n' in done.stdout
        assert (str(part) in done.stdout) is ("--candidate" in command)
        assert "Nothing was deleted." in done.stdout
