"""Makes the schema of a new database, and brings an older one up to date.

A new database gets the schema of the tables as they are now, and counts as having every step. Each step
commits together with its row in `migrations`. A step that has been released never changes; a new one follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.errors import NewerDatabase
from shared.store.postgres import list_words, locks, schema
from shared.store.postgres.session import Session

Execute = Callable[[str], object]


@dataclass(frozen=True)
class Migration:
    """One step: its name, which is written down once applied, and what it does."""

    name: str
    apply: Callable[[Execute], None]


def _is_first(_: Execute) -> None:
    """Do nothing: no older schema was ever made in PostgreSQL."""


def _index_owners(execute: Execute) -> None:
    """Give each segment in the index the name of the person whose call it is."""
    execute("""
        UPDATE segments_search f SET words = f.words || quote_literal('/o/' || to_hex(r.owner_id))::tsvector
        FROM segments s JOIN call_records r ON r.id = s.record_id
        WHERE s.id = f.segment_id AND r.owner_id IS NOT NULL""")


def _index_lists(execute: Execute) -> None:
    """Make the table by which lists are searched, and fill it."""
    for statement in (*list_words.STATEMENTS, f"ANALYZE {list_words.TABLE}"):
        execute(statement)


def _add_outcomes(execute: Execute) -> None:
    """Let the table by which lists are searched know what has failed or was cancelled."""
    for statement in list_words.OUTCOME_STATEMENTS:
        execute(statement)


def _make_indexes_partial(execute: Execute) -> None:
    """Make indexes that have only the records they are asked for, and one of two for the time of a record."""
    execute("DROP INDEX record_created_at_completed_at, record_created_at_id")
    execute("CREATE INDEX record_created_at_id ON call_records (created_at, id) INCLUDE (completed_at)")
    for name, columns in schema.PARTIAL_INDEXES.items():
        execute(f"DROP INDEX {name}")
        execute(f"CREATE INDEX {name} ON {columns}")


MIGRATIONS = (
    Migration("0022_team", _is_first),
    Migration("0023_indexed_owners", _index_owners),
    Migration("0024_list_words", _index_lists),
    Migration("0025_list_outcomes", _add_outcomes),
    Migration("0026_partial_indexes", _make_indexes_partial),
)


def migrate(session: Session) -> list[str]:
    """Apply what is missing, in order, and return the names applied. Raises NewerDatabase, StoreError."""
    if applied_already(session) and not missing(session):
        return []
    with _alone(session):
        if not applied_already(session):
            return _create(session)
        found = missing(session)
        for migration in MIGRATIONS:
            if migration.name in found:
                migration.apply(session.execute)
                _note(session, migration.name)
        return found


def missing(session: Session) -> list[str]:
    """Name what is to be applied, changing nothing. Raises NewerDatabase."""
    applied = {name for (name,) in session.rows("SELECT name FROM migrations")}
    known = {migration.name for migration in MIGRATIONS}
    if unknown := sorted(applied - known):
        raise NewerDatabase(
            f"{session.name} was written by a newer offhook (it has {', '.join(unknown)}). "
            "Nothing was changed; update offhook and try again."
        )
    return sorted(known - applied)


def applied_already(session: Session) -> bool:
    """Whether the database has a schema of offhook."""
    ((found,),) = session.rows("SELECT to_regclass('migrations') IS NOT NULL")
    return bool(found)


@contextmanager
def _alone(session: Session) -> Iterator[None]:
    """Let one process migrate at a time, while no other one writes."""
    with session.transaction(f"{locks.MIGRATING}, {locks.ALONE}"):
        yield


def _create(session: Session) -> list[str]:
    session.execute('CREATE TABLE migrations (name TEXT COLLATE "C" NOT NULL PRIMARY KEY)')
    for statement, values in schema.statements(session.peewee):
        session.execute(statement, values)
    for migration in MIGRATIONS:
        _note(session, migration.name)
    return [migration.name for migration in MIGRATIONS]


def _note(session: Session, name: str) -> None:
    session.execute("INSERT INTO migrations (name) VALUES (%s)", (name,))
