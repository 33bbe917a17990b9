"""Backups of an older and of a newer schema."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from shared.errors import NewerDatabase
from shared.files import sha256_of
from shared.store.sqlite import migrations
from shared.store.sqlite.migrations import MIGRATIONS
from tests.integration.backup.homes import assert_restored, bring_back, files, seal

# What is refused


def test_a_backup_of_a_newer_schema_is_refused_untouched(backup: Path, tmp_path: Path):
    with closing(sqlite3.connect(backup / "offhook.db")) as store, store:
        store.execute("INSERT INTO migrations VALUES ('9000_future')")
    manifest = json.loads((backup / "manifest.json").read_text())
    seal(backup, manifest | {"schema": [*manifest["schema"], "9000_future"]}, "offhook.db")
    before = {name: sha256_of(backup / name) for name in files(backup)}

    with pytest.raises(NewerDatabase, match=r"9000_future.*update offhook"):
        bring_back(backup, tmp_path / "new")

    assert not (tmp_path / "new").exists()
    assert {name: sha256_of(backup / name) for name in files(backup)} == before


def test_a_newer_schema_that_the_manifest_does_not_tell_of_is_refused_all_the_same(
    backup: Path, tmp_path: Path
):
    with closing(sqlite3.connect(backup / "offhook.db")) as store, store:
        store.execute("INSERT INTO migrations VALUES ('9000_future')")
    seal(backup, json.loads((backup / "manifest.json").read_text()), "offhook.db")

    with pytest.raises(NewerDatabase):
        bring_back(backup, tmp_path / "new")

    assert not (tmp_path / "new" / "offhook.db").exists()


def make_older(path: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a database anew as an offhook has it that knows the first migrations alone."""
    older = SqliteDatabase(str(path.with_suffix(".older")))
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:count])
        migrations.migrate(older)
    older.attach(str(path), "newer")
    newer = {name for (name,) in older.execute_sql("SELECT name FROM newer.sqlite_master")}
    for table in (set(older.get_tables()) & newer) - {"migrations"}:
        if not table.startswith("segments_search"):
            names = ", ".join(column.name for column in older.get_columns(table))
            older.execute_sql(f"DELETE FROM {table}")
            older.execute_sql(f"INSERT INTO {table} ({names}) SELECT {names} FROM newer.{table}")
    if "segments_to_search" in {view.name for view in older.get_views()}:
        older.execute_sql("INSERT INTO segments_search (segments_search) VALUES ('rebuild')")
    older.close()
    path.with_suffix(".older").replace(path)


# Of another version


@pytest.mark.parametrize("count", range(4, len(MIGRATIONS)))
def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    backup: Path, tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
):
    make_older(backup / "offhook.db", count, monkeypatch)
    manifest = json.loads((backup / "manifest.json").read_text())
    seal(backup, manifest | {"schema": manifest["schema"][:count]}, "offhook.db")

    bring_back(backup, tmp_path / "new")

    assert_restored(tmp_path / "new")
