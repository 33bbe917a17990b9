"""A transcript as one value, read from the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from archive.names import names_of
from shared.reading import Correction
from shared.speakers import Label
from shared.store.notes import Note
from shared.store.parts import Part
from shared.store.store import Store
from shared.store.values import Record
from shared.words import Segment, numbered


@dataclass(frozen=True)
class Overlay:
    """What is laid over the words of a transcript; later labels and corrections stand over earlier ones."""

    labels: tuple[Label, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True)
class Transcript:
    """The segments of a call, in order, what is laid over their words, and the facts that its exports name.

    `is_capture` says that the channels of the recording are the microphone and the far side. `names` are
    those of the overlay, which persons gave, and those that are known without them. `notes` are by persons.
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
    overlay: Overlay = Overlay()
    names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


def load(store: Store, record: Record, my_name: str) -> Transcript:
    """Read the transcript of a completed record; `my_name` is what `me` is called without another name."""
    return replace(
        _transcript(record, numbered(store.transcripts.segments(record.id))),
        names=names_of(store, record, my_name),
        overlay=overlay(store, record.id),
        notes=store.notes.of_record(record.id),
    )


def overlay(store: Store, record_id: int) -> Overlay:
    """Read what is laid over the words of a record."""
    found = store.overlays
    return Overlay(found.labels(record_id), found.names(record_id), found.corrections(record_id))


def is_current(store: Store, found: Transcript, my_name: str) -> bool:
    """Return whether nothing of a transcript has changed since it was read. Raises RecordNotFound."""
    record = store.records.get(found.record_id)
    now = (names_of(store, record, my_name), overlay(store, record.id), store.notes.of_record(record.id))
    return record.title == found.title and now == (found.names, found.overlay, found.notes)


def so_far(store: Store, record: Record, my_name: str) -> Transcript:
    """Read what is decoded of a record that is being transcribed; what was transcribed before if there is
    nothing.
    """
    windows = store.transcripts.windows(record.id)
    if not windows:
        return load(store, record, my_name)
    segments = (segment for window in windows for segment in window.segments)
    found = _transcript(record, numbered(sorted(segments, key=lambda segment: segment.start_ms)))
    return replace(found, notes=store.notes.of_record(record.id))


def of_part(record: Record, part: Part, names: Mapping[str, str]) -> Transcript:
    """Return a part of a transcript; the words of its segments keep their numbers."""
    laid = Overlay(part.labels, names, part.corrections)
    return replace(_transcript(record, part.segments), names=names, overlay=laid)


def _transcript(record: Record, segments: Iterable[Segment]) -> Transcript:
    return Transcript(
        record_id=record.id,
        title=record.title,
        duration_seconds=record.duration_seconds,
        language=record.language,
        language_probability=record.language_probability,
        model=record.model,
        flags=record.flags,
        segments=tuple(segments),
        is_capture=record.is_capture,
    )
