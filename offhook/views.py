"""How records look to programs (`--json`) and to people. The JSON is a contract; `docs/json.md` has it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from shared.models import Record
from shared.settings import Settings


def console() -> Console:
    """Return a console that is as wide as the terminal; in a pipe, where nothing wraps, wide enough."""
    return Console(emoji=False, width=None if sys.stdout.isatty() else 500)


def print_json(value: Any) -> None:
    """Print a value for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


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
        "flags": json.loads(record.flags),
        "options": json.loads(record.options),
        "status": record.transcription_status,
        "error": record.transcription_error,
        "error_code": record.error_code,
        "priority": record.priority,
        "attempts": record.attempts,
        "crashes": record.crashes,
        "progress": record.progress,
        "language": record.language,
        "model": record.model,
        "created_at": iso(record.created_at),
        "started_at": iso(record.started_at),
        "completed_at": iso(record.completed_at),
        "next_attempt_at": iso(record.next_attempt_at or None),
    }


def _stem(record: Record, settings: Settings) -> str | None:
    if record.library_stem is None or record.filed_at is None:
        return None
    return str(settings.library / record.library_stem)


def iso(seconds: float | None) -> str | None:
    """Write a time as ISO 8601 in UTC."""
    return (
        None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    )


def clock_time(seconds: float | None) -> str:
    """Write a time for a person, in the local zone."""
    return "" if seconds is None else datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def ago(time: str) -> str:
    """Write for a person how long ago something was; `time` is ISO 8601."""
    seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds())
    return f"{seconds:.0f} s ago" if seconds < 60 else f"{length(seconds)} ago"


def printable(text: str) -> str:
    """Make one line of a title or a message, without signs that would command the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def short(path: str) -> str:
    """Write a path for a person, with `~` for the home folder."""
    there, home = Path(path), Path.home()
    return str(Path("~", there.relative_to(home))) if there.is_relative_to(home) else path


def length(seconds: float | None) -> str:
    """Write a duration as M:SS or H:MM:SS."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


#: What the flags of a recording mean to a person.
FLAGS = {
    "header_size_missing": "its header gives no length, as when a recorder was killed; all audio was used",
    "header_size_stale": "its header gives too short a length; all audio was used",
    "cut_short": "the file ends before its header says; what is there was used",
    "damaged_audio": "parts of it could not be decoded and are missing",
}
