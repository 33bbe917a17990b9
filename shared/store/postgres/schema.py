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

#: Indexes of tables that have only the records they are asked for here. A change of state writes every index
#: that has the record then, so a claim writes none of these. A step of the migrations makes them too, so they
#: never change.
_QUEUED = "WHERE transcription_status = 'queued'"
PARTIAL_INDEXES = {
    "record_urgency": f"call_records (transcription_status, priority DESC, id) {_QUEUED}",
    "record_urgency_begun": (
        f"call_records (transcription_status, priority DESC, id) {_QUEUED} AND started_at IS NOT NULL"
    ),
    "record_turns": (
        f"call_records (transcription_status, owner_id, priority DESC, id) {_QUEUED} AND owner_id IS NOT NULL"
    ),
    "record_transcription_status_model": f"call_records (transcription_status, model) {_QUEUED}",
    "record_transcription_status_error_code": (
        "call_records (transcription_status, error_code) "
        "WHERE transcription_status = 'failed' OR error_code IS NOT NULL"
    ),
    "record_transcription_status_completed_at": (
        "call_records (transcription_status, completed_at) WHERE transcription_status <> 'processing'"
    ),
    "record_unfiled": (
        "call_records (transcription_status) WHERE filed_at IS NULL AND transcription_status = 'completed'"
    ),
}
#: For what a search is narrowed to and a list is sorted by, among a million records.
INDEXES = {
    **PARTIAL_INDEXES,
    "record_candidate_id": "call_records (candidate_id)",
    "record_project_id": "call_records (project_id)",
    "record_created_at_id": "call_records (created_at, id) INCLUDE (completed_at)",
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
            if not any(f'"{name}"' in text for name in PARTIAL_INDEXES):
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
