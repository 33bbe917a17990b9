"""Brings a database of any age up to date.

Each migration commits together with its row in `migrations`, so a process that dies in between
leaves the database as it was. A migration that has been released never changes; a new one follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from peewee import SqliteDatabase

from shared.errors import NewerDatabase
from shared.store.sqlite import desk_schema, first_schema, live_schema, schema_changes, team_schema
from shared.store.sqlite.first_schema import Execute


@dataclass(frozen=True)
class Migration:
    """One step: its name, which is written down once applied, and what it does."""

    name: str
    apply: Callable[[Execute], None]


def migrate(database: SqliteDatabase) -> list[str]:
    """Apply what is missing, in order, and return the names applied. Raises NewerDatabase."""
    applied: list[str] = []
    if not missing(database):
        return applied
    for migration in MIGRATIONS:
        with (
            database.atomic()
        ):  # IMMEDIATE: of two processes that start at once, one waits and then finds it done
            database.execute_sql("CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY)")
            if migration.name in _applied(database):
                continue
            migration.apply(database.execute_sql)
            database.execute_sql("INSERT INTO migrations (name) VALUES (?)", (migration.name,))
            applied.append(migration.name)
    return applied


def missing(database: SqliteDatabase) -> list[str]:
    """Name what is to be applied, taking no lock and changing nothing. Raises NewerDatabase."""
    applied = _applied(database) if database.table_exists("migrations") else set()
    if unknown := unknown_names(applied):
        raise NewerDatabase(
            f"{database.database} was written by a newer offhook (it has {', '.join(unknown)}). "
            "Nothing was changed; update offhook and try again."
        )
    return [migration.name for migration in MIGRATIONS if migration.name not in applied]


def unknown_names(schema: set[str]) -> list[str]:
    """Return the names of migrations that this version does not have."""
    return sorted(schema - {migration.name for migration in MIGRATIONS})


def _applied(database: SqliteDatabase) -> set[str]:
    return {name for (name,) in database.execute_sql("SELECT name FROM migrations")}


MIGRATIONS = (
    Migration("0001_records", first_schema.create_records),
    Migration("0002_transcripts", first_schema.create_transcripts),
    Migration("0003_search", first_schema.create_search),
    Migration("0004_processes", first_schema.create_processes),
    Migration("0005_captures", first_schema.create_captures),
    Migration("0006_doubts", schema_changes.add_doubts),
    Migration("0007_indexes", schema_changes.index_what_is_asked_often),
    Migration("0008_prefixes", schema_changes.index_prefixes),
    Migration("0009_engines", schema_changes.add_engines),
    Migration("0010_hosts", schema_changes.add_hosts),
    Migration("0011_words", schema_changes.number_words),
    Migration("0012_scripts", schema_changes.search_all_scripts),
    Migration("0013_controls", schema_changes.split_controls),
    Migration("0014_languages", schema_changes.add_language_probability),
    Migration("0015_speakers", schema_changes.keep_who_spoke),
    Migration("0016_corrections", schema_changes.keep_what_persons_put_right),
    Migration("0017_library_files", schema_changes.keep_what_the_library_has),
    Migration("0018_channels", schema_changes.tell_channels_of_unplaced_overlays),
    Migration("0019_who_speaks", schema_changes.index_speakers),
    Migration("0020_desk", desk_schema.add_desk),
    Migration("0021_live", live_schema.add_live_calls),
    Migration("0022_team", team_schema.add_team),
)
