"""How records look to programs (`--json`, pages). The JSON is a contract; `docs/json.md` has it."""

from __future__ import annotations

from typing import Any

from shared.settings import Settings
from shared.store.placing import Unplaced
from shared.store.transitions import PROCESSING
from shared.store.values import Record
from shared.times import iso
from shared.words import seconds


def record_view(record: Record, settings: Settings) -> dict[str, Any]:
    """Describe a record for programs. Times are ISO 8601 in UTC."""
    return {
        "id": record.id,
        "session_id": record.session_id,
        "source": record.source,
        "title": record.title,
        "candidate_id": record.candidate_id,
        "project_id": record.project_id,
        "recording_path": record.recording_path,
        "transcript_stem": _stem(record, settings),
        "sha256": record.sha256,
        "duration_seconds": record.duration_seconds,
        "flags": list(record.flags),
        "options": dict(record.options),
        "status": record.transcription_status,
        "error": record.transcription_error,
        "error_code": record.error_code,
        "priority": record.priority,
        "attempts": record.attempts,
        "crashes": record.crashes,
        "progress": record.progress,
        "language": record.language,
        "language_probability": record.language_probability,
        "model": record.model,
        "created_at": iso(record.created_at),
        "started_at": iso(record.started_at),
        "completed_at": iso(record.completed_at),
        "next_attempt_at": iso(record.next_attempt_at or None),
    }


def seconds_left(record: Record) -> float | None:
    """Return how long a recording that is being transcribed still takes, None if that is not known."""
    left = (record.duration_seconds or 0.0) * (1 - record.progress)
    is_decoded = record.transcription_status == PROCESSING
    return round(left / record.speed, 1) if is_decoded and record.speed and left else None


def unplaced_view(overlay: Unplaced) -> dict[str, Any]:
    """Describe a person's change that found no place in the present transcript."""
    return {
        "kind": overlay.kind,
        "start_seconds": seconds(overlay.start_ms),
        "end_seconds": seconds(overlay.end_ms),
        "heard": overlay.heard,
        "text": overlay.text,
    }


def _stem(record: Record, settings: Settings) -> str | None:
    if record.library_stem is None or record.archived_at is None:
        return None
    return str(settings.library / record.library_stem)


#: What the flags of a recording mean to a person.
FLAGS = {
    "header_size_missing": "its header gives no length, as when a recorder was killed; all audio was used",
    "header_size_stale": "its header gives too short a length; all audio was used",
    "cut_short": "the file ends before its header says; what is there was used",
    "damaged_audio": "parts of it could not be decoded and are missing",
    "gaps_filled": "it starts late or packets were dropped; the gaps are silence",
    "times_wrong": "its time stamps jump back or too far; such a jump moved nothing",
    "tracks_mixed": "it has several audio tracks with sound; all of them were mixed",
    "track_left_out": "one of its audio tracks could not be decoded; the others were used",
    "channels_opposed": "its channels cancel each other out; they were mixed by their power",
    "scaled_down": "its samples exceed full scale; they were scaled down to it",
    "prompt_cut": "its hotwords and prompt are longer than the model reads; what fits was used",
    "language_changes": "another language was heard in parts of it; they may be wrong",
    "recordings_joined": "it is several recordings in one file; all of them were used, one after another",
}
