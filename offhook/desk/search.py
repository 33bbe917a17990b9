"""Search in what was said, by SQLite's full-text index."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import SqliteDatabase

_FIND = """
    SELECT r.id, r.title, s.start_seconds, s.end_seconds, s.text,
           snippet(segments_search, 0, '[', ']', '…', 12)
    FROM segments_search
    JOIN segments s ON s.id = segments_search.rowid
    JOIN call_records r ON r.id = s.record_id
    WHERE segments_search MATCH ?
    ORDER BY segments_search.rowid DESC
    LIMIT ?"""


@dataclass(frozen=True)
class Hit:
    """A moment at which the words were said; in `snippet` they stand in brackets."""

    record_id: int
    title: str
    start_seconds: float
    end_seconds: float
    text: str
    snippet: str


def find(database: SqliteDatabase, words: str, limit: int) -> list[Hit]:
    """Return the moments at which all the words were said, the newest first."""
    expression = match_expression(words)
    if not expression:
        return []
    return [Hit(*row) for row in database.execute_sql(_FIND, (expression, limit))]


def match_expression(words: str) -> str:
    """Turn what a person typed into FTS5 syntax: all words, `word*` for beginnings, nothing else special."""
    terms = []
    for word in words.split():
        bare = word.rstrip("*").replace('"', "")
        if any(sign.isalnum() for sign in bare):
            terms.append(f'"{bare}"' + ("*" if word.endswith("*") else ""))
    return " ".join(terms)
