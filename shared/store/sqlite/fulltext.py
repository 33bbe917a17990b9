"""The full-text index in SQLite's FTS5 (https://www.sqlite.org/fts5.html): its query language, and searches.

The index gives the segments that match in the order of their numbers, which is nearly that of time. A search
that few recordings can answer asks the index about each of these alone, by the range of its numbers. Any
other one goes through the matches in the range of all recordings that can answer, the newest first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from shared.store.database import LARGEST_ID
from shared.store.narrowing import Narrowing, SaidBy
from shared.store.words_index import Query, Term

ADD = """
    INSERT INTO segments_search (rowid, text)
    SELECT id, text FROM segments_to_search WHERE record_id = ?"""
#: FTS5 needs the text of a row to remove it: the index does not store it.
REMOVE = """
    INSERT INTO segments_search (segments_search, rowid, text)
    SELECT 'delete', id, text FROM segments_to_search WHERE record_id = ?"""
_SOME = "id IN (SELECT value FROM json_each(?))"
ADD_SOME, REMOVE_SOME = (it.replace("record_id = ?", _SOME) for it in (ADD, REMOVE))
RECORDS = """
    SELECT DISTINCT s.record_id FROM segments_search
    JOIN segments s ON s.id = segments_search.rowid WHERE segments_search MATCH ?"""
#: With more recordings, one search through all matches is faster than a search for each.
FEW_RECORDS = 100

_FIND = """
    SELECT r.id, r.title, s.start_seconds, s.end_seconds, coalesce(s.corrected_text, s.text), s.id
    FROM segments_search
    JOIN segments s ON s.id = segments_search.rowid
    JOIN call_records r ON r.id = s.record_id
    WHERE segments_search MATCH ? AND segments_search.rowid BETWEEN ? AND ? {conditions}
    ORDER BY segments_search.rowid DESC
    LIMIT ?"""
_RANGES = """
    SELECT
        (SELECT min(s.id) FROM segments s WHERE s.record_id = r.id) AS first,
        (SELECT max(s.id) FROM segments s WHERE s.record_id = r.id) AS last
    FROM call_records r WHERE 1 {conditions}"""
#: Whether one of some speakers may have said a part of a segment: by the label that stands where it begins,
#: by one that begins inside, or by a person's that began earlier. Each is found by an index; for the last
#: one the signs + leave SQLite the small index of persons' labels alone, not one with all earlier labels.
_SAID = """
    AND (
        (
            SELECT l.speaker FROM speaker_labels l
            WHERE l.record_id = s.record_id AND l.first_word <= s.first_word AND l.source <> 'person'
            ORDER BY l.first_word DESC LIMIT 1
        ) IN (SELECT value FROM json_each(?))
        OR EXISTS (
            SELECT 1 FROM speaker_labels l
            WHERE l.record_id = s.record_id AND l.first_word > s.first_word
                AND l.first_word < coalesce(
                    (
                        SELECT n.first_word FROM segments n
                        WHERE n.record_id = s.record_id AND n.id > s.id ORDER BY n.id LIMIT 1
                    ),
                    9223372036854775807
                )
                AND l.speaker IN (SELECT value FROM json_each(?))
        )
        OR EXISTS (
            SELECT 1 FROM speaker_labels l
            WHERE l.record_id = s.record_id AND l.source = 'person' AND +l.first_word <= s.first_word
                AND l.last_word >= s.first_word AND +l.speaker IN (SELECT value FROM json_each(?))
        )
    )"""

_SPEAK = """
    SELECT DISTINCT record_id FROM speaker_labels
    WHERE speaker IN (SELECT value FROM json_each(?)) LIMIT ?"""

Execute = Callable[[str, tuple[Any, ...]], list[Any]]


def expression(query: Query) -> str:
    """Write a query for FTS5: every word is quoted, so that none is an operator."""
    return " AND ".join(map(_term, query.terms))


def find(execute: Execute, query: Query, limit: int, narrowing: Narrowing, before_id: int) -> list[Any]:
    """Return rows of segments that match, the newest first, with numbers below `before_id`."""
    wanted = expression(query)
    found: list[Any] = []
    if not wanted:
        return found
    conditions, values = _of_records(narrowing, _only_in(execute, narrowing.said))
    said, speakers = _of_speakers(narrowing)
    for first, last in _ranges(execute, conditions, values):
        asked = (wanted, first, min(last, before_id - 1), *values, *speakers, limit - len(found))
        found += execute(_FIND.format(conditions=conditions + said), asked)
        if len(found) >= limit:
            break
    return found


def _ranges(execute: Execute, conditions: str, values: tuple[Any, ...]) -> Iterator[tuple[int, int]]:
    """Yield the ranges of numbers in which to look, the newest first."""
    if not conditions:
        yield 0, LARGEST_ID
        return
    ranges = [row for row in execute(_RANGES.format(conditions=conditions), values) if row[0] is not None]
    if len(ranges) <= FEW_RECORDS:
        yield from sorted(ranges, reverse=True)
    else:
        yield min(first for first, _ in ranges), max(last for _, last in ranges)


def _of_records(narrowing: Narrowing, only_in: str | None) -> tuple[str, tuple[Any, ...]]:
    found = [(f"{condition} ?", value) for condition, value in narrowing.of_records()]
    if only_in is not None:
        found.append(("r.id IN (SELECT value FROM json_each(?))", only_in))
    return "".join(f" AND {text}" for text, _ in found), tuple(value for _, value in found)


def _only_in(execute: Execute, said: SaidBy | None) -> str | None:
    """Return the only records that can answer, as JSON, if they are known or few; otherwise None."""
    if said is None:
        return None
    speak: list[Any] = []
    if said.everywhere:
        speak = execute(_SPEAK, (json.dumps(sorted(said.everywhere)), FEW_RECORDS + 1))
        if len(speak) > FEW_RECORDS:
            return None
    return json.dumps(sorted({*said.in_records, *(record_id for (record_id,) in speak)}))


def _of_speakers(narrowing: Narrowing) -> tuple[str, tuple[Any, ...]]:
    if narrowing.said is None:
        return "", ()
    return _SAID, (json.dumps(sorted(narrowing.said.speakers)),) * 3


def _term(term: Term) -> str:
    spellings = [f'"{spelling}"' + (" *" if term.is_prefix else "") for spelling in term.spellings]
    return spellings[0] if len(spellings) == 1 else f"({' OR '.join(spellings)})"
