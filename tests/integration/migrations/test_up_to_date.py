"""A database is brought up to date, and opened again."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from shared.store import migrations
from shared.store.migrations import migrate
from shared.store.models import MODELS
from shared.store.records import Records
from shared.store.sqlite import open_database
from tests.integration.migrations.databases import NAMES, applied, schema, with_another


def test_migrating_an_empty_file_gives_what_the_models_describe(path: Path, tmp_path: Path):
    open_database(path).close()
    modelled = SqliteDatabase(str(tmp_path / "modelled.db"))
    with modelled.bind_ctx(MODELS):
        modelled.create_tables(MODELS, safe=False)
    modelled.close()

    migrated, expected = schema(path), schema(tmp_path / "modelled.db")

    assert migrated.keys() == expected.keys() == {model._meta.table_name for model in MODELS}
    for table in expected:
        assert migrated[table] == expected[table], table


def test_every_migration_is_written_down_in_its_order(path: Path):
    open_database(path).close()

    assert applied(path) == NAMES == sorted(NAMES)


def test_migrating_a_second_time_does_nothing(path: Path):
    database = open_database(path)
    before = list(database.connection().iterdump())

    assert migrate(database) == []
    assert list(database.connection().iterdump()) == before
    database.close()


def test_opening_a_second_time_changes_no_byte(path: Path):
    open_database(path).close()
    before = path.read_bytes()

    open_database(path).close()

    assert path.read_bytes() == before


def test_a_database_that_is_up_to_date_opens_while_another_process_writes(path: Path):
    open_database(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        before = time.monotonic()
        open_database(path).close()

        assert time.monotonic() - before < 1.0


def test_only_what_is_missing_is_applied_and_nothing_that_was_there_is_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    database = open_database(path)
    record = Records(database).add(source="inbox", title="kept", recording_path="/kept.wav")
    longer = with_another(lambda execute: execute("CREATE TABLE another (id INTEGER)"))
    monkeypatch.setattr(migrations, "MIGRATIONS", longer)

    assert migrate(database) == ["9000_another"]
    assert Records(database).get(record.id).title == "kept"
    assert applied(path) == [*NAMES, "9000_another"]
    database.close()


def test_an_opened_database_survives_a_power_cut_and_waits_for_its_turn(path: Path):
    database = open_database(path)

    def pragma(name: str) -> object:
        return database.execute_sql(f"PRAGMA {name}").fetchone()[0]

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") >= 30_000
    database.close()
