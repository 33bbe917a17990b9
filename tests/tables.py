"""The rows of a store's tables, as a test looks at them or damages them, past the store.

The tables are bound to no database. `use` says which store the names of this module stand for from then on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from peewee import Model, SqliteDatabase

from shared import words
from shared.store import tables
from shared.store.store import Store
from shared.store.transcripts import Window

_current: list[Any] = []


def use(store: Store) -> Store:
    """Let the tables below be those of `store`; return it."""
    _current[:] = [store.database.connections]
    return store


def execute(sql: str, values: tuple[Any, ...] = ()) -> Any:
    """Run a statement on the store in use; return a cursor. Values stand at question marks."""
    return _current[0].execute_sql(sql.replace("?", _current[0].param), values)


def check_index() -> None:
    """Check that the full-text index of the store in use agrees with the segments."""
    if isinstance(_current[0], SqliteDatabase):
        execute("INSERT INTO segments_search (segments_search, rank) VALUES ('integrity-check', 1)")
        return
    from shared.store.postgres.fulltext import vector

    rows = execute(
        "SELECT s.id, coalesce(s.search_text, s.text), r.owner_id "
        "FROM segments s JOIN call_records r ON r.id = s.record_id"
    ).fetchall()
    found = dict(execute("SELECT segment_id, words::text FROM segments_search").fetchall())
    wanted = {row[0]: execute("SELECT ?::tsvector::text", (vector(*row),)).fetchone()[0] for row in rows}
    assert found == wanted


def hits(word: str) -> int:
    """Count the segments that the full-text index of the store in use has for a word."""
    if isinstance(_current[0], SqliteDatabase):
        sql = "SELECT count(*) FROM segments_search WHERE segments_search MATCH ?"
        return int(execute(sql, (f'"{word}"',)).fetchone()[0])
    sql = "SELECT count(*) FROM segments_search WHERE words @@ ?::tsquery"
    return int(execute(sql, (f"'{word.lower()}'",)).fetchone()[0])


class Table:
    """One table of the store in use, with peewee's own methods."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def select(self, *columns: Any) -> Any:
        return self.model.select(*columns).bind(_current[0])

    def insert(self, *rows: Any, **columns: Any) -> Any:
        return self.model.insert(*rows, **columns).bind(_current[0])

    def insert_many(self, rows: Any, fields: Any = None) -> Any:
        return self.model.insert_many(rows, fields).bind(_current[0])

    def update(self, *changes: Any, **columns: Any) -> Any:
        return self.model.update(*changes, **columns).bind(_current[0])

    def delete(self) -> Any:
        return self.model.delete().bind(_current[0])

    def create(self, **columns: Any) -> None:
        self.insert(**columns).execute()

    def get(self, where: Any = None) -> Any:
        query = self.select()
        return (query if where is None else query.where(where)).get()

    def get_or_none(self, where: Any) -> Any:
        return self.select().where(where).first()

    def get_by_id(self, key: Any) -> Any:
        return self.get(self.model._meta.primary_key == key)


Record, Capture, Worker = Table(tables.RecordRow), Table(tables.CaptureRow), Table(tables.WorkerRow)
DecodedWindow, Segment = Table(tables.DecodedWindowRow), Table(tables.SegmentRow)
InboxFile, Loudness = Table(tables.InboxFileRow), Table(tables.LoudnessRow)
SpeakerLabel, SpeakerName = Table(tables.SpeakerLabelRow), Table(tables.SpeakerNameRow)
LiveCall, LiveWindow = Table(tables.LiveCallRow), Table(tables.LiveWindowRow)
ExpectedReceipt = Table(tables.ExpectedReceiptRow)
Erasure, Scrub, QueueState = Table(tables.ErasureRow), Table(tables.ScrubRow), Table(tables.QueueStateRow)
MODELS = tables.TABLES


def by_clock(store: Store, clock: Callable[[], float]) -> Store:
    """The same store by another clock."""
    return use(Store(store.database, store.host, clock))


def said(rows: Iterable[dict[str, Any]]) -> tuple[words.Segment, ...]:
    """Segments, each of an object as JSON has it; its words may be JSON as well."""
    return tuple(words.Segment.from_json(row | {"words": _parsed(row.get("words"))}) for row in rows)


def windows(rows: Iterable[dict[str, Any]]) -> list[Window]:
    """Decoded windows, each of an object; its segments may be JSON."""
    return [Window(**row | {"segments": said(_parsed(row["segments"]))}) for row in rows]


def _parsed(found: Any) -> Any:
    return json.loads(found) if isinstance(found, str) else found
