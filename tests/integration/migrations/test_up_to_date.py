"""A database is brought up to date, and opened again."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from shared.store.sqlite import migrations
from shared.store.sqlite.migrations import migrate
from shared.store.store import Store
from shared.store.tables import TABLES
from tests.integration.migrations.databases import NAMES, applied, schema, with_another


def test_migrating_an_empty_file_gives_what_the_models_describe(path: Path, tmp_path: Path):
    Store.open(path).disconnect()
    modelled = SqliteDatabase(str(tmp_path / "modelled.db"))
    with modelled.bind_ctx(TABLES):
        modelled.create_tables(TABLES, safe=False)
    modelled.close()

    migrated, expected = schema(path), schema(tmp_path / "modelled.db")

    assert migrated.keys() == expected.keys() == {model._meta.table_name for model in TABLES}
    for table in expected:
        assert migrated[table] == expected[table], table


def test_every_migration_is_written_down_in_its_order(path: Path):
    Store.open(path).disconnect()

    assert applied(path) == NAMES == sorted(NAMES)


def test_migrating_a_second_time_does_nothing(path: Path):
    database = Store.open(path).database.connections
    before = list(database.connection().iterdump())

    assert migrate(database) == []
    assert list(database.connection().iterdump()) == before
    database.close()


def test_opening_a_second_time_changes_no_byte(path: Path):
    Store.open(path).disconnect()
    before = path.read_bytes()

    Store.open(path).disconnect()

    assert path.read_bytes() == before


def test_a_database_that_is_up_to_date_opens_while_another_process_writes(path: Path):
    Store.open(path).disconnect()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        before = time.monotonic()
        Store.open(path).disconnect()

        assert time.monotonic() - before < 1.0


def test_only_what_is_missing_is_applied_and_nothing_that_was_there_is_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = Store.open(path)
    record = store.records.add(source="inbox", title="kept", recording_path="/kept.wav")
    longer = with_another(lambda execute: execute("CREATE TABLE another (id INTEGER)"))
    monkeypatch.setattr(migrations, "MIGRATIONS", longer)

    assert migrate(store.database.connections) == ["9000_another"]
    assert store.records.get(record.id).title == "kept"
    assert applied(path) == [*NAMES, "9000_another"]
    store.disconnect()


def test_an_opened_database_survives_a_power_cut_and_waits_for_its_turn(path: Path):
    database = Store.open(path).database.connections

    def pragma(name: str) -> object:
        return database.execute_sql(f"PRAGMA {name}").fetchone()[0]

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") >= 30_000
    database.close()
