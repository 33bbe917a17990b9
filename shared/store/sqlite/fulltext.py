"""The full-text index in SQLite's FTS5 (https://www.sqlite.org/fts5.html): its query language."""

from __future__ import annotations

from shared.store.words_index import Query, Term

FIND = """
    SELECT r.id, r.title, s.start_seconds, s.end_seconds, coalesce(s.corrected_text, s.text)
    FROM segments_search
    JOIN segments s ON s.id = segments_search.rowid
    JOIN call_records r ON r.id = s.record_id
    WHERE segments_search MATCH ?
    ORDER BY segments_search.rowid DESC
    LIMIT ?"""
ADD = """
    INSERT INTO segments_search (rowid, text)
    SELECT id, text FROM segments_to_search WHERE record_id = ?"""
#: FTS5 needs the text of a row to remove it: the index does not store it.
REMOVE = """
    INSERT INTO segments_search (segments_search, rowid, text)
    SELECT 'delete', id, text FROM segments_to_search WHERE record_id = ?"""


def expression(query: Query) -> str:
    """Write a query for FTS5: every word is quoted, so that none is an operator."""
    return " AND ".join(map(_term, query.terms))


def _term(term: Term) -> str:
    spellings = [f'"{spelling}"' + (" *" if term.is_prefix else "") for spelling in term.spellings]
    return spellings[0] if len(spellings) == 1 else f"({' OR '.join(spellings)})"
