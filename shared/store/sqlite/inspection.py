"""Inspects a database file that may be forged, without running any SQL in it.

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

from shared.store import stored_json
from shared.store.sqlite.migrations import MIGRATIONS
from shared.store.sqlite.reading import reading_uri

SESSION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Tables that SQLite creates itself.
_OWN = ("sqlite_sequence", "sqlite_stat1", "sqlite_stat4")
#: Declared type -> the types of values that a column may have; NULL is the schema's matter.
_TYPES = {
    "TEXT": ("text", "null"),
    "INTEGER": ("integer", "null"),
    "REAL": ("real", "integer", "null"),
    "BLOB": ("blob", "null"),
}
#: Columns with JSON, and its kinds.
JSON_COLUMNS: dict[tuple[str, str], type | tuple[type, ...]] = {
    ("call_records", "flags"): list,
    ("call_records", "options"): dict,
    ("captures", "verdict"): dict,
    ("workers", "engines"): (list, dict),  # without a version, and with one
    ("segments", "words"): list,
    ("segments", "doubts"): list,
    ("decoded_windows", "segments"): list,
    ("edits", "before"): dict,
    ("uploads", "options"): dict,
    ("hooks", "events"): list,
    ("live_calls", "flags"): list,
    ("live_calls", "provisional"): list,
    ("live_windows", "segments"): list,
    ("live_windows", "words"): list,
}
_SESSIONS = ("call_records", "captures", "loudness", "live_calls", "live_windows")
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


def schema_oddities(path: Path) -> list[str]:
    """Compare the schema of a database in use with offhook's own; one sentence for each difference."""
    with closing(sqlite3.connect(reading_uri(path), uri=True)) as found:
        found.execute("PRAGMA trusted_schema = OFF")
        return list(_schema(found))


def damaged_values(path: Path) -> list[str]:
    """Name the values in a database that no version of offhook writes, with their rows; it is only read."""
    try:
        with closing(sqlite3.connect(reading_uri(path), uri=True)) as found:
            found.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            tables = [name for kind, name in _definitions(found) if kind == "table"]
            return [text for table in tables if "_search" not in table for text in _damage(found, table)]
    except sqlite3.Error:  # SQLite's own message says more
        return []


def _damage(found: sqlite3.Connection, table: str) -> Iterator[str]:
    for _, column, declared, *_ in found.execute(f'PRAGMA table_info("{table}")').fetchall():
        allowed = _TYPES.get(declared.upper(), ())
        kind = JSON_COLUMNS.get((table, column))
        rows = (
            found.execute(f'SELECT rowid, typeof("{column}"), "{column}" FROM "{table}"') if allowed else ()
        )
        for row, stored, value in rows:
            if stored not in allowed:
                yield f"{_row(found, table, row)} has a {column} that is no {declared}"
            elif kind and value and not _is_json(value, kind):
                yield f"{_row(found, table, row)} has {column} that are damaged"
            elif stored == "text" and not _is_utf8(value):
                yield f"{_row(found, table, row)} has a {column} that is not UTF-8"


def _row(found: sqlite3.Connection, table: str, row: int) -> str:
    """Name a row by the recording that it is about."""
    if table == "call_records":
        return f"recording {row}"
    columns = {name for _, name, *_ in found.execute(f'PRAGMA table_info("{table}")')}
    if "record_id" in columns:
        (owner,) = found.execute(f'SELECT record_id FROM "{table}" WHERE rowid = ?', (row,)).fetchone()
        return f"a row in {table} of recording {owner}"
    return f"row {row} in {table}"


def _is_json(text: str, kind: type | tuple[type, ...]) -> bool:
    """Return whether a text is JSON of one of these kinds, nested no deeper than offhook nests it."""
    try:
        stored_json.read(text, kind)
    except ValueError:
        return False
    return True


def _is_utf8(text: str) -> bool:
    """Return whether a text was UTF-8: bytes that were not have become surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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
        keys = "storage_key" if "storage_key" in _columns(found, table) else "NULL"
        rows = found.execute(f"SELECT {column}, {keys} FROM {table}") if table in tables else ()
        if any(_climbs(str(name)) if key is None else _leaves(str(key)) for name, key in rows):
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


def _columns(found: sqlite3.Connection, table: str) -> set[str]:
    return {str(name) for _, name, *_ in found.execute(f'PRAGMA table_info("{table}")')}


def _climbs(name: str) -> bool:
    """Return whether a path, of whatever system, is relative or goes up."""
    flavours = (PurePosixPath(name), PureWindowsPath(name))
    return not any(path.is_absolute() for path in flavours) or any(".." in path.parts for path in flavours)


def _leaves(stem: str) -> bool:
    """Return whether a name leads out of the folder that it is relative to."""
    flavours = (PurePosixPath(stem), PureWindowsPath(stem))
    return "\0" in stem or any(path.anchor or ".." in path.parts or not path.parts for path in flavours)
