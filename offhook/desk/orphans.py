"""Finds transcripts in the library that no record knows."""

from __future__ import annotations

from pathlib import Path

from peewee import SqliteDatabase


def orphans(library: Path, database: SqliteDatabase) -> list[Path]:
    """Return the JSON exports in the library that belong to no record, in the order of their names."""
    rows = database.execute_sql("SELECT library_stem FROM call_records WHERE library_stem IS NOT NULL")
    known = {stem.casefold() for (stem,) in rows}
    found = sorted(library.rglob("*.json"))
    return [path for path in found if _stem(library, path).casefold() not in known]


def _stem(library: Path, path: Path) -> str:
    return path.relative_to(library).as_posix().removesuffix(".json")
