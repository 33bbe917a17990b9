"""A transcript as one value, and the database's rows it is read from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from shared.store.models import Record
from shared.store.models import Segment as SegmentRow
from shared.words import Segment, numbered, seconds, segments_from_json


@dataclass(frozen=True)
class Transcript:
    """The segments of a call, in order, and the facts that its exports name."""

    record_id: int
    title: str
    duration_seconds: float | None
    language: str | None
    model: str | None
    flags: tuple[str, ...]
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The text of all segments, one line each."""
        return "\n".join(segment.text for segment in self.segments)


def load(record: Record) -> Transcript:
    """Read the transcript of a completed recording."""
    rows = SegmentRow.select().where(SegmentRow.record == record.id)
    return _transcript(record, (_segment(row) for row in rows.order_by(SegmentRow.id)))


def so_far(record: Record, windows: Iterable[str]) -> Transcript:
    """Return what has been decoded of a recording; `windows` are the stored segments of each, as JSON."""
    return _transcript(record, (segment for window in windows for segment in segments_from_json(window)))


def stored(window: str) -> list[dict[str, object]]:
    """Turn the segments of a decoded window into rows for the segments table."""
    return [_row(segment) for segment in segments_from_json(window)]


def _transcript(record: Record, segments: Iterable[Segment]) -> Transcript:
    return Transcript(
        record_id=record.id,
        title=record.title,
        duration_seconds=record.duration_seconds,
        language=record.language,
        model=record.model,
        flags=tuple(json.loads(record.flags)),
        segments=numbered(segments),
    )


def _row(segment: Segment) -> dict[str, object]:
    words = [[seconds(it.start_ms), seconds(it.end_ms), it.text, it.probability] for it in segment.words]
    return {
        "start_seconds": seconds(segment.start_ms),
        "end_seconds": seconds(segment.end_ms),
        "text": segment.text,
        "average_log_probability": segment.average_log_probability,
        "no_speech_probability": segment.no_speech_probability,
        "compression_ratio": segment.compression_ratio,
        "words": json.dumps(words) if words else None,
        "doubts": json.dumps(segment.doubts) if segment.doubts else None,
    }


def _segment(row: SegmentRow) -> Segment:
    names = ("start_seconds", "end_seconds", "text", "average_log_probability")
    columns = {name: getattr(row, name) for name in (*names, "no_speech_probability", "compression_ratio")}
    lists = {"words": json.loads(row.words or "[]"), "doubts": json.loads(row.doubts or "[]")}
    return Segment.from_json(columns | lists)
