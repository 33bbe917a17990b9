"""A transcript as one value, read from the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.store.store import Store
from shared.store.values import Record
from shared.words import Segment, numbered


@dataclass(frozen=True)
class Transcript:
    """The segments of a call, in order, and the facts that its exports name."""

    record_id: int
    title: str
    duration_seconds: float | None
    language: str | None
    language_probability: float | None
    model: str | None
    flags: tuple[str, ...]
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The text of all segments, one line each."""
        return "\n".join(segment.text for segment in self.segments)


def load(store: Store, record: Record) -> Transcript:
    """Read the transcript of a completed record."""
    return _transcript(record, store.transcripts.segments(record.id))


def so_far(store: Store, record: Record) -> Transcript:
    """Read what is decoded of a record that is being transcribed; what was transcribed before if there is
    nothing.
    """
    windows = store.transcripts.windows(record.id)
    if not windows:
        return load(store, record)
    return _transcript(record, (segment for window in windows for segment in window.segments))


def _transcript(record: Record, segments: Iterable[Segment]) -> Transcript:
    return Transcript(
        record_id=record.id,
        title=record.title,
        duration_seconds=record.duration_seconds,
        language=record.language,
        language_probability=record.language_probability,
        model=record.model,
        flags=record.flags,
        segments=numbered(segments),
    )
