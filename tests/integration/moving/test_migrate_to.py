"""A home moves to a team's server: everything in it, or nothing, however often it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from archive.migration.journal import NAME as JOURNAL
from archive.storage.folder import FolderStorage
from shared.locks import FileLock
from shared.settings import Settings
from shared.store.listing import Wanted
from shared.store.moving import MOVED, CannotMigrate, move_database
from shared.store.store import Store
from shared.store.values import Record
from shared.store.view import View
from tests.integration.migrations.databases import tables
from tests.integration.migrations.test_older_databases import USED
from tests.integration.moving.conftest import TITLES
from tests.postgres import PostgresServer
from tests.stage import ROOT, Stage
from tests.waiting import until


def moved(stage: Stage, url: str, share: Path, *more: str) -> dict[str, object]:
    done = stage.offhook("migrate-to", url, "--storage", share, "--json", *more)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def refused(stage: Stage, *arguments: str | Path) -> str:
    done = stage.offhook("migrate-to", *arguments)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def content(home: Path) -> dict[str, str]:
    """What is in a home, by name; SQLite's log and the locks are not its content."""
    files = (it for it in home.rglob("*") if it.is_file() and it.parent.name not in ("locks", "logs"))
    return {
        str(it.relative_to(home)): sha256(it.read_bytes()).hexdigest()
        for it in files
        if not it.name.endswith(("-wal", "-shm"))
    }


def same_but_place(old: Record, new: Record) -> bool:
    own = {
        *("recording_path", "storage_key", "sha256", "size_bytes", "modified_ns"),
        *("library_stem", "owner_id"),
    }
    return replace(old, **{name: getattr(new, name) for name in own}) == new


def test_every_call_arrives_with_its_words_and_its_recording(old: Stage, url: str, share: Path):
    before = content(old.home)
    told = moved(old, url, share)

    assert content(old.home) == before
    storage = FolderStorage(share)
    with Store.of_home(Settings(home=old.home)) as source, Store.open(url) as target:
        records = list(source.records.every())
        assert len(records) == len(TITLES) + 2
        for record in records:
            there = target.records.get(record.id)
            assert same_but_place(record, there)
            assert source.transcripts.segments(record.id) == target.transcripts.segments(record.id)
            assert source.overlays.labels(record.id) == target.overlays.labels(record.id)
            if record.title == "Lost":
                assert there.storage_key is None
                continue
            assert there.storage_key
            assert there.recording_path == there.storage_key
            with storage.open(there.storage_key) as file:
                data = file.read()
            assert (sha256(data).hexdigest(), len(data)) == (there.sha256, there.size_bytes)
        assert source.changes.since(0, 100) == target.changes.since(0, 100)
        found = target.search.find("analytical", 10)
        assert len(found) == len(TITLES)
    assert told["recordings"] == len(TITLES) + 1
    assert told["without_recording"] == [len(TITLES) + 1]
    assert not (old.home / "locks" / JOURNAL).exists()


def test_new_records_and_changes_get_higher_numbers_than_any_before(old: Stage, url: str, share: Path):
    moved(old, url, share)
    with Store.of_home(Settings(home=old.home)) as source, Store.open(url) as target:
        last = source.changes.latest()
        added = target.records.add(source="added", title="new", recording_path="/new.wav")

        assert added.id == len(TITLES) + 4  # the number of the deleted record is not given again
        assert target.changes.latest() > last


def test_every_table_with_calls_arrives_as_it_was(url: str, tmp_path: Path):
    path = tmp_path / "offhook.db"
    with Store.open(path) as store:
        there = set(tables(path))
        for name in (it for it in USED if it in there):
            for row in USED[name]:
                names, marks = ", ".join(row), ", ".join("?" * len(row))
                store.database.connections.execute_sql(
                    f"INSERT OR IGNORE INTO {name} ({names}) VALUES ({marks})", tuple(row.values())
                )
    found = move_database(path, url, {}, None, lambda *_: None)

    assert {table.name for table in found.tables} == {table._meta.table_name for table in MOVED}
    empty = {table.name for table in found.tables if not table.rows}
    assert empty <= {"record_changes", "queue_state"}


def test_the_calls_become_those_of_a_person_of_the_team(old: Stage, url: str, share: Path):
    with Store.open(url) as target:
        ada = target.people.add("ada", "member")
    assert "NOBODY" in refused(old, url, "--storage", share, "--person", "NOBODY")
    moved(old, url, share, "--person", "ada")

    with Store.open(url) as target:
        assert {record.owner_id for record in target.records.every()} == {ada.id}
        assert len(target.seen_by(View(owner_id=ada.id)).search.find("analytical", 10)) == len(TITLES)
        assert target.seen_by(View(owner_id=ada.id + 1)).search.find("analytical", 10) == []
        assert len(target.listing.ids(Wanted(text="reference c-1"))) == 1


def test_a_second_run_finds_everything_there(old: Stage, url: str, share: Path):
    first, second = moved(old, url, share), moved(old, url, share)

    assert (first["was_there"], second["was_there"]) == (False, True)
    assert first["tables"] == second["tables"]


def test_a_database_with_other_calls_is_refused_and_stays_as_it_is(old: Stage, url: str, share: Path):
    with Store.open(url) as target:
        target.records.add(source="added", title="theirs", recording_path="/theirs.wav")

    assert "has 1 records of its own" in refused(old, url, "--storage", share)
    with Store.open(url) as target:
        assert [record.title for record in target.records.every()] == ["theirs"]
    assert list(share.iterdir()) == []


def test_a_database_that_was_used_since_is_not_taken_for_the_same(old: Stage, url: str, share: Path):
    moved(old, url, share)
    with Store.open(url) as target:
        target.overlays.rename(1, "me", "Max")

    assert "differs in speaker_names" in refused(old, url, "--storage", share)


def test_a_home_in_which_offhook_runs_is_refused(old: Stage, url: str, share: Path):
    lock = FileLock(old.home / "locks" / "worker-0123456789ab.lock")
    lock.acquire()
    try:
        assert "offhook is running" in refused(old, url, "--storage", share)
    finally:
        lock.release()


def test_a_move_needs_a_storage_that_others_reach(old: Stage, url: str):
    assert "--storage" in refused(old, url)


def test_a_change_meanwhile_undoes_the_move(old: Stage, url: str):
    settings = Settings(home=old.home)

    def interfere(what: str, done: int, total: int) -> None:
        if what == "search index":
            with Store.of_home(settings) as store:
                store.overlays.rename(1, "me", "Max")

    with pytest.raises(CannotMigrate, match="changed meanwhile"):
        move_database(settings.database_file, url, {}, None, interfere)
    with Store.open(url) as target:
        assert list(target.records.every()) == []


def test_a_password_in_the_url_is_never_shown(old: Stage, url: str, share: Path):
    secret = url.replace("offhook@", "offhook:Zwetschgenmann@")
    done = old.offhook("migrate-to", secret, "--storage", share)

    assert done.returncode == 0
    assert "Zwetschgenmann" not in done.stdout + done.stderr
    assert 'database = "postgresql://offhook:***@' in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="needs a signal that kills")
def test_a_move_that_is_killed_at_any_moment_goes_on(
    old: Stage, url: str, share: Path, postgres_server: PostgresServer
):
    journal = old.home / "locks" / JOURNAL

    def is_copying() -> bool:
        query = "SELECT 1 FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE 'COPY%'"
        return bool(postgres_server.execute(query))

    def has_put() -> bool:
        return journal.exists() and journal.stat().st_size > 0

    kill_when(has_put, old, url, share)
    kill_when(is_copying, old, url, share)
    moved(old, url, share)
    with Store.open(url) as target:
        assert len(list(target.records.every())) == len(TITLES) + 2
    assert len(list(FolderStorage(share).list())) == len(TITLES) + 1


def kill_when(is_time: Callable[[], bool], stage: Stage, url: str, share: Path) -> None:
    """Run the move, and kill it at a moment, if it is not faster than that."""
    command = [sys.executable, "-m", "offhook", "migrate-to", url, "--storage", str(share)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=stage.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until(lambda: is_time() or process.poll() is not None, "the moment to kill", 60)
    process.send_signal(signal.SIGKILL)
    process.wait(15)
