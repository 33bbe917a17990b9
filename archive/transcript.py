"""A transcript as one value, read from the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from archive.names import names_of
from shared.reading import Correction
from shared.speakers import Label
from shared.store.store import Store
from shared.store.values import Record
from shared.words import Segment, numbered


@dataclass(frozen=True)
class Transcript:
    """The segments of a call, in order, what is laid over their words, and the facts that its exports name.

    `is_capture` says that the channels of the recording are the microphone and the far side.
    """

    record_id: int
    title: str
    duration_seconds: float | None
    language: str | None
    language_probability: float | None
    model: str | None
    flags: tuple[str, ...]
    segments: tuple[Segment, ...]
    is_capture: bool = False
    labels: tuple[Label, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()


def load(store: Store, record: Record, my_name: str) -> Transcript:
    """Read the transcript of a completed record; `my_name` is what `me` is called without another name."""
    return replace(
        _transcript(record, store.transcripts.segments(record.id)),
        labels=store.overlays.labels(record.id),
        names=names_of(store, record, my_name),
        corrections=store.overlays.corrections(record.id),
    )


def so_far(store: Store, record: Record, my_name: str) -> Transcript:
    """Read what is decoded of a record that is being transcribed; what was transcribed before if there is
    nothing.
    """
    windows = store.transcripts.windows(record.id)
    if not windows:
        return load(store, record, my_name)
    segments = (segment for window in windows for segment in window.segments)
    return _transcript(record, sorted(segments, key=lambda segment: segment.start_ms))


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
        is_capture=record.source == "capture",
    )
