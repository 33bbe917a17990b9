"""A restore into a home that is in use."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from archive.backup.restore import CannotRestore, restore
from shared.errors import NewerDatabase
from shared.files import sha256_of
from shared.locks import FileLock
from shared.settings import Settings
from shared.store.store import Store
from shared.workers import Presence
from tests.integration.backup.homes import Home, assert_restored, bring_back, files, put
from tests.tables import Record, execute


def test_a_home_that_has_recordings_is_not_restored_over(backup: Path, full: Home):
    before = {name: sha256_of(full.settings.home / name) for name in files(full.settings.home)}

    with pytest.raises(CannotRestore, match="--into"):
        bring_back(backup, full.settings.home)

    assert {name: sha256_of(full.settings.home / name) for name in files(full.settings.home)} == before


def test_what_was_queued_while_a_restore_copied_is_not_restored_over(backup: Path, tmp_path: Path):
    new = tmp_path / "new"

    def queue(what: str, done: int, total: int) -> None:
        if what == "copying" and not (new / "offhook.db").exists():
            with Store.open(new / "offhook.db") as store:
                store.records.add(source="added", title="meanwhile", recording_path="/meanwhile.wav")

    with pytest.raises(CannotRestore, match="already has recordings"):
        restore(backup, Settings(home=new), queue)

    with closing(sqlite3.connect(new / "offhook.db")) as store:
        assert store.execute("SELECT title FROM call_records").fetchall() == [("meanwhile",)]


def test_a_home_in_which_something_runs_is_not_restored_over(backup: Path, tmp_path: Path):
    new = Home(tmp_path / "new")
    presence = Presence(new.store, new.settings.locks, "worker").enter()
    try:
        with pytest.raises(CannotRestore, match="Stop it"):
            bring_back(backup, new.settings.home)
        assert Record.select().count() == 0
    finally:
        presence.leave()
        new.close()


def test_a_home_that_was_only_looked_at_takes_a_backup_and_keeps_its_models(backup: Path, tmp_path: Path):
    new = Home(tmp_path / "new")
    put(new.settings.models / "own" / "model.bin", b"a model")
    new.close()

    bring_back(backup, new.settings.home)

    assert_restored(new.settings.home)
    assert (new.settings.models / "own" / "model.bin").read_bytes() == b"a model"


@pytest.mark.parametrize("name", ["inbox/queued.wav", "config.toml"])
def test_a_file_that_is_in_the_way_is_named_and_stays(backup: Path, tmp_path: Path, name: str):
    new = tmp_path / "new"
    put(new / name, b"here before")

    with pytest.raises(CannotRestore, match="in the way"):
        bring_back(backup, new)

    assert (new / name).read_bytes() == b"here before"
    assert files(new) == {name}


def test_a_newer_database_in_the_new_home_is_left_alone(backup: Path, tmp_path: Path):
    new = Home(tmp_path / "new")
    execute("INSERT INTO migrations VALUES ('9000_future')")
    new.close()
    before = new.settings.database_file.read_bytes()

    with pytest.raises(NewerDatabase):
        bring_back(backup, new.settings.home)

    assert new.settings.database_file.read_bytes() == before


def test_two_restores_at_once_do_not_mix(backup: Path, tmp_path: Path):
    new = Home(tmp_path / "new")
    new.close()
    lock = FileLock(new.settings.locks / "restore.lock")
    assert lock.acquire()
    try:
        with pytest.raises(CannotRestore, match="Another restore"):
            bring_back(backup, new.settings.home)
    finally:
        lock.release()
