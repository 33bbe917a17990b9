"""Inspects a database file that somebody else may have made up, without running anything that is in it.

A trigger, a view or an index on an expression runs SQL of its maker's (SQLite, "Defense Against The Dark
Arts"). So the schema is compared with the one that offhook's own migrations make, text by text, before any
statement touches a table. https://www.sqlite.org/security.html
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath, PureWindowsPath

from shared.store.migrations import MIGRATIONS

SESSION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Tables of SQLite's own, which it makes by itself.
_OWN = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4")
#: Declared type -> the types of values that a column may have; NULL is the schema's matter.
_TYPES = {
    "TEXT": ("text", "null"),
    "INTEGER": ("integer", "null"),
    "REAL": ("real", "integer", "null"),
    "BLOB": ("blob", "null"),
}
_SESSIONS = ("call_records", "captures", "loudness")
_PATHS = (("call_records", "recording_path"), ("captures", "recording_path"), ("inbox_files", "path"))


def is_session_id(text: str) -> bool:
    """Return whether a text is a session id of offhook: a UUID in lower case, safe as a file name."""
    return bool(SESSION_ID.fullmatch(text))


def oddities(path: Path) -> list[str]:
    """Name what offhook would not have written into a database file, one sentence each; it is only read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as found:
            found.execute("PRAGMA trusted_schema = OFF")
            found.execute("PRAGMA cell_size_check = ON")
            return list(_schema(found)) or list(_content(found))
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return [f"it cannot be read: {error}"]


def _schema(found: sqlite3.Connection) -> Iterator[str]:
    there = _definitions(found)
    if ("table", "migrations") not in there:
        yield "it has no table migrations"
        return
    wanted = _wanted({str(name) for (name,) in found.execute("SELECT name FROM migrations")})
    for kind, name in sorted(there.keys() | wanted.keys()):
        if there.get((kind, name)) != wanted.get((kind, name)):
            yield f"its {kind} {name} is not offhook's"


def _definitions(found: sqlite3.Connection) -> dict[tuple[str, str], str]:
    rows = found.execute("SELECT type, name, sql FROM sqlite_master")
    return {(kind, name): " ".join((sql or "").split()) for kind, name, sql in rows if name not in _OWN}


def _wanted(applied: Collection[str]) -> dict[tuple[str, str], str]:
    """Return the definitions that these migrations make in a new database."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        fresh.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY)")
        for migration in MIGRATIONS:
            if migration.name in applied:
                migration.apply(fresh.execute)
        definitions = _definitions(fresh)
    key = ("table", "migrations")
    return definitions | {key: definitions[key].replace("IF NOT EXISTS ", "")}


def _content(found: sqlite3.Connection) -> Iterator[str]:
    (answer,) = found.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        yield f"it is damaged: {answer}"
        return
    tables = {name for kind, name in _definitions(found) if kind == "table" and "_search" not in name}
    for table in sorted(tables):
        yield from _wrong_types(found, table)
    for table in tables.intersection(_SESSIONS):
        for (session_id,) in found.execute(f"SELECT session_id FROM {table}"):
            if not is_session_id(str(session_id)):
                yield f"{table} has a session id that is no UUID"
                break
    for table, column in _PATHS:
        if table in tables and any(
            _climbs(str(name)) for (name,) in found.execute(f"SELECT {column} FROM {table}")
        ):
            yield f"{table} has a path that is not absolute, or with .. in it"
    if any(_leaves(str(stem)) for (stem,) in found.execute(_STEMS)):
        yield "call_records names a file outside of the library"


_STEMS = "SELECT library_stem FROM call_records WHERE library_stem IS NOT NULL"


def _wrong_types(found: sqlite3.Connection, table: str) -> Iterator[str]:
    for _, column, declared, *_ in found.execute(f'PRAGMA table_info("{table}")').fetchall():
        allowed = ", ".join(f"'{kind}'" for kind in _TYPES.get(declared.upper(), ()))
        query = f'SELECT 1 FROM "{table}" WHERE typeof("{column}") NOT IN ({allowed}) LIMIT 1'
        if allowed and found.execute(query).fetchone():
            yield f"{table}.{column} has a value that is no {declared}"


def _climbs(name: str) -> bool:
    """Return whether a path, of whatever system, is relative or goes up."""
    flavours = (PurePosixPath(name), PureWindowsPath(name))
    return not any(path.is_absolute() for path in flavours) or any(".." in path.parts for path in flavours)


def _leaves(stem: str) -> bool:
    """Return whether a name leads out of the folder that it is relative to."""
    flavours = (PurePosixPath(stem), PureWindowsPath(stem))
    return "\0" in stem or any(path.anchor or ".." in path.parts or not path.parts for path in flavours)
