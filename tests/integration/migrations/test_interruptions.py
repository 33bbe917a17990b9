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

from shared.store.sqlite import migrations
from shared.store.sqlite.database import _switch_to_wal
from shared.store.sqlite.migrations import MIGRATIONS, Execute, Migration, migrate
from shared.store.store import Store
from tests.integration.migrations.databases import NAMES, applied, query, run, schema, tables, with_another
from tests.stage import ROOT

OPEN_AT = """
import sys, time
from pathlib import Path
from shared.store.store import Store
print("up", flush=True)
sys.stdin.readline()
while time.time() < float(sys.argv[2]): pass
Store.open(Path(sys.argv[1])).disconnect()
"""


KILLED_HALF_WAY = """
import os, signal, sys
from pathlib import Path
from shared.store.sqlite import migrations
from shared.store.store import Store

def die(execute):
    execute("CREATE TABLE half (id INTEGER)")
    execute("INSERT INTO half VALUES (1)")
    execute("UPDATE queue_state SET paused = 2")
    os.kill(os.getpid(), signal.SIGKILL)

migrations.MIGRATIONS += (migrations.Migration("9000_dies", die),)
Store.open(Path(sys.argv[1]))
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
        execute("ALTER TABLE queue_state ADD COLUMN half INTEGER")
        raise RuntimeError("half-way")

    Store.open(path).disconnect()
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
        with Store.open(path) as store:
            store.controls.set_paused(True)

    assert run(KILLED_HALF_WAY, path).returncode == -signal.SIGKILL

    Store.open(path).disconnect()
    assert "half" not in tables(path)
    assert applied(path) == NAMES
    assert query(path, "SELECT paused FROM queue_state") == [(0 if fresh else 1,)]


# From the future


def test_of_many_that_open_a_fresh_database_at_once_none_is_turned_away(tmp_path: Path):
    errors: list[Exception] = []

    def open_and_close(path: Path, barrier: threading.Barrier) -> None:
        database = SqliteDatabase(str(path), timeout=10)
        database.connect()
        barrier.wait()
        try:
            database.execute_sql("SELECT 1 FROM sqlite_master").fetchall()
            _switch_to_wal(database, patience_seconds=10)
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
