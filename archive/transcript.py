"""A transcript as values: frozen, free of the database."""

from __future__ import annotations

import json
from dataclasses import dataclass

from shared.store.models import Record
from shared.store.models import Segment as SegmentRow

_JSON_COLUMNS = ("words", "doubts")


@dataclass(frozen=True)
class Word:
    """A word and when it was said, in seconds from the start."""

    start_seconds: float
    end_seconds: float
    text: str
    probability: float


@dataclass(frozen=True)
class Segment:
    """A sentence or so, and when it was said, in seconds from the start."""

    start_seconds: float
    end_seconds: float
    text: str
    words: tuple[Word, ...]
    doubts: tuple[str, ...] = ()  # reasons not to rely on it, of transcribe_worker.checks


@dataclass(frozen=True)
class Transcript:
    """What was said in a call."""

    record_id: int
    title: str
    duration_seconds: float | None
    language: str | None
    model: str | None
    flags: tuple[str, ...]
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """All that was said, a line for each segment."""
        return "\n".join(segment.text for segment in self.segments)


def load(record: Record) -> Transcript:
    """Read the transcript of a finished recording."""
    rows = SegmentRow.select().where(SegmentRow.record == record.id)
    return _transcript(record, tuple(_segment(row) for row in rows.order_by(SegmentRow.id)))


def so_far(record: Record, windows: list[str]) -> Transcript:
    """Read what has been decoded of a recording; `windows` are the stored segments of each, as JSON."""
    found = [SegmentRow(**segment) for window in windows for segment in stored(window)]
    return _transcript(record, tuple(_segment(row) for row in found))


def stored(window: str) -> list[dict[str, object]]:
    """Turn the segments of a decoded window into rows for the segments table."""
    return [
        segment | {name: json.dumps(segment[name]) if segment.get(name) else None for name in _JSON_COLUMNS}
        for segment in json.loads(window)
    ]


def _transcript(record: Record, segments: tuple[Segment, ...]) -> Transcript:
    return Transcript(
        record_id=record.id,
        title=record.title,
        duration_seconds=record.duration_seconds,
        language=record.language,
        model=record.model,
        flags=tuple(json.loads(record.flags)),
        segments=segments,
    )


def _segment(row: SegmentRow) -> Segment:
    words = tuple(Word(*word) for word in json.loads(row.words or "[]"))
    return Segment(row.start_seconds, row.end_seconds, row.text, words, tuple(json.loads(row.doubts or "[]")))
