"""What the store returns: frozen values. Times are seconds since 1970 in UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class Record:
    """A call: where its recording is, how far its transcription got, whose it is now."""

    id: int
    session_id: str
    source: str
    title: str
    recording_path: str
    transcription_status: str
    created_at: float
    candidate_id: str | None = None
    project_id: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    modified_ns: int | None = None
    duration_seconds: float | None = None
    flags: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    requested_model: str | None = None
    transcription_error: str | None = None
    error_code: str | None = None
    priority: int = 0
    attempts: int = 0
    crashes: int = 0
    progress: float = 0.0
    speed: float | None = None
    language: str | None = None
    model: str | None = None
    claim_token: str | None = None
    worker_id: str | None = None
    worker_host: str | None = None
    lease_expires_at: float | None = None
    next_attempt_at: float = 0.0
    library_stem: str | None = None
    archived_at: float | None = None
    started_at: float | None = None
    completed_at: float | None = None


@dataclass(frozen=True)
class Capture:
    """A call that is being recorded, or was: whose it is, where it will be, how well it was heard."""

    session_id: str
    state: str
    title: str
    recording_path: str
    layout: str
    worker_id: str
    started_at: float
    candidate_id: str | None = None
    project_id: str | None = None
    host: str | None = None
    duration_seconds: float = 0.0
    verdict: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class InboxFile:
    """A file that the inbox has dealt with, as it was then."""

    path: str
    size_bytes: int
    modified_ns: int
    outcome: str
    record: int | None = None


@dataclass(frozen=True)
class Worker:
    """A process of offhook, running or not; `engines` is JSON: how each engine uses the machine."""

    id: str
    kind: str
    pid: int
    state: str
    started_at: float
    last_seen_at: float
    engines: str | None = None
    host: str | None = None


#: Columns that hold JSON: what an unreadable one counts as, and the type of the value.
_JSON: dict[str, tuple[str, type]] = {
    "flags": ("[]", tuple),
    "options": ("{}", dict),
    "verdict": ("{}", dict),
}


def value_of(kind: type[Value], row: Mapping[str, Any]) -> Value:
    """Make a value of a row; JSON that is damaged counts as empty, and unknown columns are left out."""
    names = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: _read(name, found) for name, found in row.items() if name in names})


def columns_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns as the tables hold them: JSON as text."""
    return {name: json.dumps(found) if name in _JSON else found for name, found in given.items()}


def _read(name: str, found: Any) -> Any:
    if name not in _JSON:
        return found
    empty, kind = _JSON[name]
    try:
        parsed = json.loads(found or empty)
    except (ValueError, RecursionError):
        parsed = json.loads(empty)
    readable = isinstance(parsed, list if kind is tuple else kind)
    return kind(parsed) if readable else kind()
