"""Migrations by several processes at once, or killed half-way."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from shared.store import migrations
from shared.store.migrations import MIGRATIONS, Execute, Migration, migrate
from shared.store.records import Records
from shared.store.sqlite import open_database, switch_to_wal
from tests.integration.migrations.databases import NAMES, applied, query, run, schema, tables, with_another
from tests.stage import ROOT

OPEN_AT = """
import sys, time
from pathlib import Path
from shared.store.sqlite import open_database
print("up", flush=True)
sys.stdin.readline()
while time.time() < float(sys.argv[2]): pass
open_database(Path(sys.argv[1])).close()
"""


KILLED_HALF_WAY = """
import os, signal, sys
from pathlib import Path
from offhook.desk.search import find
from shared.store import migrations
from shared.store.captures import Captures
from shared.store.sqlite import open_database

def die(execute):
    execute("CREATE TABLE half (id INTEGER)")
    execute("INSERT INTO half VALUES (1)")
    execute("UPDATE controls SET value = 'half'")
    os.kill(os.getpid(), signal.SIGKILL)

migrations.MIGRATIONS += (migrations.Migration("9000_dies", die),)
open_database(Path(sys.argv[1]))
"""


# Two at once


def test_processes_that_open_a_fresh_database_at_once_all_succeed(tmp_path: Path):
    paths = [tmp_path / f"{number}.db" for number in range(2)]
    for path in paths:
        openers = [
            subprocess.Popen(
                [sys.executable, "-c", OPEN_AT, str(path), str(time.time() + 0.5)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        results = [opener.communicate("go\n", timeout=30) for opener in openers]

        assert [opener.returncode for opener in openers] == [0, 0], results
        assert applied(path) == NAMES


# Half-way


def test_a_migration_that_fails_half_way_leaves_nothing_of_itself(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(execute: Execute) -> None:
        execute("CREATE TABLE half (id INTEGER)")
        execute("ALTER TABLE controls ADD COLUMN half INTEGER")
        raise RuntimeError("half-way")

    open_database(path).close()
    before = schema(path)
    monkeypatch.setattr(migrations, "MIGRATIONS", with_another(fail))

    database = SqliteDatabase(str(path), lock_type="IMMEDIATE")
    with pytest.raises(RuntimeError, match="half-way"):
        migrate(database)
    database.close()

    assert schema(path) == before
    assert applied(path) == NAMES


def test_what_came_before_a_failing_migration_stays_and_the_next_start_goes_on_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(execute: Execute) -> None:
        raise RuntimeError("half-way")

    failing = (*MIGRATIONS[:2], Migration(MIGRATIONS[2].name, fail), *MIGRATIONS[3:])
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", failing)
        database = SqliteDatabase(str(path), lock_type="IMMEDIATE")
        with pytest.raises(RuntimeError, match="half-way"):
            migrate(database)
        assert applied(path) == NAMES[:2]

    assert migrate(database) == NAMES[2:]
    database.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "in use"])
def test_a_process_killed_in_a_migration_leaves_nothing_of_it(path: Path, fresh: bool):
    if not fresh:
        database = open_database(path)
        Records(database).set_paused(True)
        database.close()

    assert run(KILLED_HALF_WAY, path).returncode == -signal.SIGKILL

    open_database(path).close()
    assert "half" not in tables(path)
    assert applied(path) == NAMES
    assert query(path, "SELECT value FROM controls") == ([] if fresh else [("true",)])


# From the future


def test_of_many_that_open_a_fresh_database_at_once_none_is_turned_away(tmp_path: Path):
    errors: list[Exception] = []

    def open_and_close(path: Path, barrier: threading.Barrier) -> None:
        database = SqliteDatabase(str(path), timeout=10)
        database.connect()
        barrier.wait()
        try:
            database.execute_sql("SELECT 1 FROM sqlite_master").fetchall()
            switch_to_wal(database, patience_seconds=10)
        except Exception as error:
            errors.append(error)
        finally:
            database.close()

    for number in range(300):
        together = (tmp_path / f"{number}.db", threading.Barrier(3))
        threads = [threading.Thread(target=open_and_close, args=together) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert errors == []
