"""The transcripts of one database: decoded windows on the way, segments and their words in the end, and the
search.

A word is what the engine wrote. It is identified by its record and its number for ever. Who said it and what
a person corrected are overlays: rows that point at words (`tables.py`), and never change one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.reading import Correction, corrected_texts
from shared.store import words_index
from shared.store.database import Database, Found, Row
from shared.store.segment_rows import channel_of, number, rows_of, segment_of
from shared.store.tables import DecodedWindowRow, LiveCallRow, RecordRow, SegmentRow
from shared.words import Segment, segments_as_json, segments_from_json

ROWS_AT_ONCE = 100


@dataclass(frozen=True)
class Window:
    """A decoded window. Speech detection must start again at `stretch_seconds` to find the same windows."""

    start_seconds: float
    end_seconds: float
    stretch_seconds: float
    segments: tuple[Segment, ...]
    channel: int | None = None  # None: the recording has one, or its channels were mixed


@dataclass(frozen=True)
class Glimpse:
    """A segment without its words: when it begins, and the characters of its text.

    `words` is their number, and `window` and `place` are where it is stored; for decoded windows alone.
    """

    start_ms: int
    characters: int
    words: int = 0
    window: int = 0
    place: int = 0


@dataclass(frozen=True)
class Hit:
    """A segment with the words; `snippet` has them in brackets."""

    record_id: int
    title: str
    start_seconds: float
    end_seconds: float
    text: str
    snippet: str


class Transcripts:
    """The transcripts of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def windows(self, record_id: int) -> list[Window]:
        """Return the windows that are decoded so far, in the order of the recording."""
        query = (
            DecodedWindowRow.select()
            .where(DecodedWindowRow.record == record_id)
            .order_by(DecodedWindowRow.start_seconds)
        )
        return [window_of(row) for row in self._database.all(query)]

    def glimpses(self, record_id: int) -> list[Glimpse]:
        """Return the segments that are decoded so far, in the order of their starts, without their words."""
        query = DecodedWindowRow.select(DecodedWindowRow.id, DecodedWindowRow.segments).where(
            DecodedWindowRow.record == record_id
        )
        rows = self._database.all(query.order_by(DecodedWindowRow.start_seconds))
        found = [it for row in rows for it in _glimpses(row["id"], row["segments"])]
        return sorted(found, key=lambda it: it.start_ms)

    def decoded(self, wanted: Sequence[Glimpse]) -> list[Segment]:
        """Return some segments of decoded windows; those of windows that are there no more are left out."""
        ids = {it.window for it in wanted}
        rows = self._database.all(DecodedWindowRow.select().where(DecodedWindowRow.id.in_(ids)))
        windows = {row["id"]: _readable(row["segments"]) for row in rows}
        return [windows[it.window][it.place] for it in wanted if it.place < len(windows.get(it.window, ()))]

    def slice(self, record_id: int, first: int, count: int | None) -> list[tuple[int, Segment]]:
        """Return some segments of a finished transcript by their places, each with the number of its row.

        All from `first` on if `count` is None.
        """
        query = SegmentRow.select().where(SegmentRow.record == record_id).order_by(SegmentRow.id)
        some = query.offset(first).limit(2**31 if count is None else count)
        return [(row["id"], segment_of(row)) for row in self._database.all(some)]

    def segments(self, record_id: int) -> tuple[Segment, ...]:
        """Return the segments of a finished transcript."""
        query = SegmentRow.select().where(SegmentRow.record == record_id).order_by(SegmentRow.id)
        return tuple(segment_of(row) for row in self._database.all(query))

    def search(self, words: str, limit: int) -> list[Hit]:
        """Return the segments with all the words, the newest first; `word*` finds prefixes."""
        query = words_index.parse(words)
        found = self._database.find_text(query, limit)
        return [hit_of(moment, query) for moment in found]

    def some(self, segment_ids: Collection[int]) -> dict[int, Segment]:
        """Return segments of finished transcripts by the numbers of their rows."""
        rows = self._database.all(SegmentRow.select().where(SegmentRow.id.in_(segment_ids)))
        return {row["id"]: segment_of(row) for row in rows}

    # Writes of other parts of the store, inside their transactions

    def correct_index(self, record_id: int, corrections: Iterable[Correction]) -> None:
        """Let a record's corrected text be found and shown, instead of the engine's."""
        rows = self.slice(record_id, 0, None)
        self.correct_part([row_id for row_id, _ in rows], [it for _, it in rows], corrections)

    def correct_part(
        self, row_ids: Sequence[int], segments: Sequence[Segment], corrections: Iterable[Correction]
    ) -> None:
        """Do so for segments one after another, whose corrections are all there."""
        texts = corrected_texts(segments, corrections)
        query = SegmentRow.select(SegmentRow.id, SegmentRow.text, SegmentRow.corrected_text)
        rows = {row["id"]: row for row in self._database.all(query.where(SegmentRow.id.in_(row_ids)))}
        changed = {
            row_id: texts.get(place)
            for place, row_id in enumerate(row_ids)
            if texts.get(place) != rows[row_id]["corrected_text"]
        }
        if changed:
            self._database.remove_text_of(list(changed))
            for row_id, text in changed.items():
                columns = _as_read(rows[row_id]["text"], text)
                self._database.run(SegmentRow.update(**columns).where(SegmentRow.id == row_id))
            self._database.index_text_of(list(changed))

    def add_windows(self, record_id: int, windows: Iterable[Window]) -> None:
        """Add decoded windows of a record."""
        for window in windows:
            row = {**window.__dict__, "segments": segments_as_json(window.segments)}
            self._database.run(DecodedWindowRow.insert(record=record_id, **row))

    def replace(self, record_id: int, segments: Iterable[Segment]) -> None:
        """Replace decoded windows and any older transcript by a transcript."""
        self.forget(record_id)
        rows = list(rows_of(record_id, segments))
        for start in range(0, len(rows), ROWS_AT_ONCE):
            self._database.run(SegmentRow.insert_many(rows[start : start + ROWS_AT_ONCE]))
        self._database.index_text(record_id)

    def forget_windows(self, record_id: int) -> None:
        """Remove the decoded windows of a record, also those of a live call that it has not taken over."""
        session_id = RecordRow.select(RecordRow.session_id).where(RecordRow.id == record_id)
        self._database.run(DecodedWindowRow.delete().where(DecodedWindowRow.record == record_id))
        self._database.run(LiveCallRow.delete().where(LiveCallRow.session_id.in_(session_id)))

    def forget(self, record_id: int) -> None:
        """Remove a record's transcript and decoded windows."""
        self.forget_windows(record_id)
        self._database.remove_text(record_id)
        self._database.run(SegmentRow.delete().where(SegmentRow.record == record_id))


def hit_of(found: Found, query: words_index.Query) -> Hit:
    """Return a found segment as a hit."""
    snippet = words_index.snippet(found.text, query)
    seconds = (found.start_seconds, found.end_seconds)
    return Hit(found.record_id, found.title, *seconds, found.text, snippet)


def window_of(row: Row) -> Window:
    """Return the decoded window of a row."""
    return Window(
        number(row, "start_seconds"),
        number(row, "end_seconds"),
        number(row, "stretch_seconds"),
        _readable(row["segments"]),
        channel_of(row),
    )


def _readable(text: str) -> tuple[Segment, ...]:
    """Read stored segments; damaged ones count as none, and are decoded again with the next attempt."""
    try:
        return segments_from_json(text)
    except ValueError:
        return ()


def _glimpses(window: int, text: str) -> Iterator[Glimpse]:
    """Yield the segments of a stored window, in the order of its list; damaged ones count as none."""
    try:
        found = json.loads(text)
        glimpses = [
            Glimpse(*_beginning(it), len(it.get("words") or ()), window, place)
            for place, it in enumerate(found)
        ]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError, OverflowError):
        return
    yield from glimpses


def _beginning(found: dict[str, Any]) -> tuple[int, int]:
    """Return when a segment begins, in milliseconds, and the length of its text."""
    start_ms = found["start_ms"] if "start_ms" in found else found["start_seconds"] * 1000
    return round(start_ms), len(found["text"])


def _as_read(text: str, corrected: str | None) -> dict[str, str | None]:
    """Return the columns for a segment's text as a person has corrected it."""
    if corrected is None:
        return {"corrected_text": None, "search_text": words_index.index_text(text)}
    return {"corrected_text": corrected, "search_text": words_index.folded(corrected)}
