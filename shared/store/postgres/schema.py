"""The schema of a new database, made from the tables as they are now, and what peewee does not know of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import peewee

from shared.store.postgres import fulltext, list_words, triggers
from shared.store.postgres.connections import TEXT, Connections
from shared.store.tables import TABLES

#: What the tables have as SQLite writes it, and as PostgreSQL writes them.
_SPELLINGS = (
    ("BOOLEAN NOT NULL DEFAULT 0", "BOOLEAN NOT NULL DEFAULT false"),
    ("DEFAULT x''", "DEFAULT ''"),
    (f"{TEXT} COLLATE NOCASE", "TEXT COLLATE nocase"),
)
#: Texts without regard to case, for names of files: some systems know no case.
_NO_CASE = """
    CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"""

#: For what a search is narrowed to and a list is sorted by, among a million records.
INDEXES = {
    "record_candidate_id": "call_records (candidate_id)",
    "record_project_id": "call_records (project_id)",
    "record_created_at_completed_at": "call_records (created_at, completed_at)",
    "record_created_at_id": "call_records (created_at, id)",
    "record_owner_id_created_at_id": "call_records (owner_id, created_at, id)",
    "record_status_created_at_id": "call_records (transcription_status, created_at, id)",
    "record_title_id": "call_records (title COLLATE nocase, id)",
    "segment_record_id_id": "segments (record_id, id)",
    "record_created_at_unfinished": "call_records (created_at) WHERE completed_at IS NULL",
}


def statements(connections: Connections) -> Iterator[tuple[str, Any]]:
    """Yield the statements that make a new schema, with their values."""
    yield _NO_CASE, None
    for table in TABLES:
        manager: Any = peewee.SchemaManager(table, connections)
        for made in (manager._create_table(safe=False), *manager._create_indexes(safe=False)):
            text, values = made.query()
            yield _spelled(text), values or None
    for statement in (
        *triggers.STATEMENTS,
        *fulltext.SCHEMA,
        *list_words.STATEMENTS,
        *list_words.OUTCOME_STATEMENTS,
    ):
        yield statement, None
    for name, columns in INDEXES.items():
        yield f"CREATE INDEX {name} ON {columns}", None
    for table in TABLES:
        yield triggers.notice_of(table._meta.table_name), None


def _spelled(text: str) -> str:
    for here, there in _SPELLINGS:
        text = text.replace(here, there)
    return text
