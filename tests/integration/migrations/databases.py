"""Databases of any version, and what is in them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from shared.store.sqlite.migrations import MIGRATIONS, Execute, Migration
from tests.stage import ROOT

NAMES = [migration.name for migration in MIGRATIONS]


def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=30
    )


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def tables(path: Path) -> set[object]:
    return {name for (name,) in query(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}


def applied(path: Path) -> list[object]:
    return [name for (name,) in query(path, "SELECT name FROM migrations ORDER BY rowid")]


def schema(path: Path) -> dict[object, object]:
    """Describe each table by what SQLite makes of it, in an order that means nothing."""
    names = {str(name) for name in tables(path)} - {"migrations"}
    return {name: _table(path, name) for name in names if not name.startswith(("segments_search", "sqlite_"))}


def _table(path: Path, name: str) -> dict[str, object]:
    indexes = {
        (index, unique, origin, partial): query(path, f'PRAGMA index_xinfo("{index}")')
        for _, index, unique, origin, partial in query(path, f'PRAGMA index_list("{name}")')
    }
    keys = query(path, f'PRAGMA foreign_key_list("{name}")')
    return {"columns": query(path, f'PRAGMA table_xinfo("{name}")'), "indexes": indexes, "keys": keys}


def with_another(apply: Callable[[Execute], object]) -> tuple[Migration, ...]:
    return (*MIGRATIONS, Migration("9000_another", lambda execute: void(apply(execute))))


def void(_: object) -> None:
    return None
