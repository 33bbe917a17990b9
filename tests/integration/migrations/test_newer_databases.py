"""A database of a newer offhook is refused and left alone."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from shared.errors import NewerDatabase
from shared.store.store import Store
from tests.integration.migrations.databases import NAMES, applied, query, run
from tests.stage import ROOT

WRITTEN_BY_A_NEWER_OFFHOOK_THAT_WAS_KILLED = """
import os, signal, sys
from pathlib import Path
from shared.store.sqlite import migrations
from shared.store.store import Store

migrations.MIGRATIONS += (
    migrations.Migration("9000_future", lambda execute: execute("CREATE TABLE future (word TEXT)")),
)
store = Store.open(Path(sys.argv[1]))
store.database.connections.execute_sql("INSERT INTO future VALUES ('kept')")
os.kill(os.getpid(), signal.SIGKILL)
"""


def add_from_the_future(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO migrations VALUES ('9000_future')")
        connection.commit()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refuse(path: Path) -> str:
    """Open a database in a process of its own, which has ended when this returns, and return what it says."""
    done = run("import sys; from pathlib import Path; from shared.store.store import Store\n" + REFUSED, path)
    assert done.returncode == 0, done.stderr
    return done.stdout


REFUSED = """
from shared.errors import NewerDatabase
try:
    Store.open(Path(sys.argv[1]))
except NewerDatabase as error:
    print(error)
"""


def test_a_newer_database_is_refused_with_the_remedy(path: Path):
    Store.open(path).disconnect()
    add_from_the_future(path)

    with pytest.raises(NewerDatabase) as caught:
        Store.open(path)

    assert str(caught.value) == (
        f"{path} was written by a newer offhook (it has 9000_future). "
        "Nothing was changed; update offhook and try again."
    )


def test_a_newer_database_that_was_closed_keeps_every_byte_and_gets_no_file_beside_it(path: Path):
    Store.open(path).disconnect()
    add_from_the_future(path)
    os.utime(path, ns=(0, 0))
    before = digest(path)

    assert "newer offhook" in refuse(path)

    assert digest(path) == before
    assert path.stat().st_mtime_ns == 0
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_a_newer_database_with_some_of_our_migrations_missing_is_not_completed(path: Path):
    Store.open(path).disconnect()
    add_from_the_future(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM migrations WHERE name = ?", (NAMES[-1],))
        connection.commit()
    before = digest(path)

    assert "newer offhook" in refuse(path)
    assert digest(path) == before


def test_a_backup_of_a_newer_database_keeps_every_byte(path: Path, tmp_path: Path):
    """VACUUM INTO, the usual way to back up, leaves the copy in rollback mode, not in WAL mode."""
    Store.open(path).disconnect()
    add_from_the_future(path)
    backup = tmp_path / "backup.db"
    query(path, f"VACUUM INTO '{backup}'")
    before = digest(backup)

    assert "newer offhook" in refuse(backup)

    assert digest(backup) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_newer_database_whose_writer_was_killed_keeps_what_was_in_its_log(path: Path):
    """Its -wal file holds commits that whoever closes the database last moves over: so no content changes,
    though bytes do move from one file to the other."""
    assert run(WRITTEN_BY_A_NEWER_OFFHOOK_THAT_WAS_KILLED, path).returncode == -signal.SIGKILL
    assert path.with_name("offhook.db-wal").stat().st_size > 0

    assert "newer offhook" in refuse(path)

    assert applied(path) == [*NAMES, "9000_future"]
    assert query(path, "SELECT word FROM future") == [("kept",)]
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize(
    "module",
    ["offhook status", "offhook list", "transcribe_worker", "transcribe_worker.inbox", "capture_worker"],
)
def test_every_program_refuses_a_newer_database_with_one_line_and_leaves_each_byte(
    tmp_path: Path, module: str
):
    home = tmp_path / "home"
    home.mkdir()
    path = home / "offhook.db"
    Store.open(path).disconnect()
    add_from_the_future(path)
    before = digest(path)

    done = subprocess.run(
        [sys.executable, "-m", *module.split()],
        cwd=ROOT,
        env={**os.environ, "OFFHOOK_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("offhook: ")
    assert f"{path} was written by a newer offhook (it has 9000_future)" in line
    assert line.endswith("update offhook and try again.")
    assert digest(path) == before
    assert [found.name for found in home.glob("offhook.db*")] == [path.name]
