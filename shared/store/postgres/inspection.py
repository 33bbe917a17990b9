"""Compares the schema of a database with the one that offhook makes."""

from __future__ import annotations

from shared.store.postgres import fulltext, list_words, schema, triggers
from shared.store.postgres.session import Session
from shared.store.tables import TABLES

_COLUMNS = """
    SELECT table_name || '.' || column_name FROM information_schema.columns
    WHERE table_schema = current_schema()"""
_INDEXES = "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
_TRIGGERS = """
    SELECT DISTINCT trigger_name FROM information_schema.triggers WHERE trigger_schema = current_schema()"""
_INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"


def schema_oddities(session: Session) -> list[str]:
    """Name what is missing or unusable in the schema, one sentence each; it may have more than offhook's."""
    found: list[str] = []
    for kind, wanted, query in (
        ("column", _columns(), _COLUMNS),
        ("index", _indexes(), _INDEXES),
        ("trigger", _triggers(), _TRIGGERS),
    ):
        there = {name for (name,) in session.rows(query)}
        found += [f"its {kind} {name} is missing" for name in sorted(wanted - there)]
    return found + [f"its index {name} is unusable" for (name,) in session.rows(_INVALID)]


def _columns() -> set[str]:
    fields = [(table, field) for table in TABLES for field in table._meta.sorted_fields]
    own = {f"{table._meta.table_name}.{field.column_name}" for table, field in fields}
    besides = ((fulltext.TABLE, fulltext.COLUMNS), (list_words.TABLE, list_words.COLUMNS))
    return own | {f"{table}.{column}" for table, columns in besides for column in columns}


def _indexes() -> set[str]:
    of_tables = {index._name for table in TABLES for index in table._meta.fields_to_index()}
    return of_tables | {fulltext.INDEX, *list_words.INDEXES, *schema.INDEXES}


def _triggers() -> set[str]:
    notices = {triggers.notice_trigger(table._meta.table_name) for table in TABLES}
    return notices | {*triggers.OF_RECORDS, *list_words.TRIGGERS}
