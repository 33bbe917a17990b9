"""What is answered about records and the queue, for their description; `docs/json.md` explains each name."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Status = Literal["queued", "processing", "completed", "failed", "cancelled"]


class Row(TypedDict):
    """A recording as lists and events show it."""

    id: int
    session_id: str
    source: str
    title: str
    candidate_id: str | None
    project_id: str | None
    recording_path: str
    transcript_stem: str | None
    sha256: str | None
    duration_seconds: float | None
    flags: list[str]
    options: dict[str, Any]
    status: Status
    error: str | None
    error_code: str | None
    priority: int
    attempts: int
    crashes: int
    progress: float
    language: str | None
    language_probability: float | None
    model: str | None
    created_at: str
    started_at: str | None
    completed_at: str | None
    next_attempt_at: str | None
    speakers: list[str]
    seconds_left: float | None
    remedy: str | None
    where: str | None
    deletion_due_at: str | None


class Details(Row):
    """A recording with all that is said of it beside its words."""

    remarks: list[tuple[str, str]]
    unplaced: list[str]
    orphan_drafts: list[dict[str, Any]]
    formats: list[str]
    names: dict[str, str]
    cast: list[Any]
    notes: list[dict[str, Any]]
    edits: int


class RowPage(TypedDict):
    """A page of rows; events after change `seq` bring it up to date."""

    records: list[Row]
    total: int
    counts: dict[Status, int]
    seq: int


class RowOrder(TypedDict):
    """The numbers of all wanted recordings in their order, and the first rows."""

    ids: list[int]
    records: list[Row]
    counts: dict[Status, int]
    seq: int


class SomeRows(TypedDict):
    """The rows of some recordings."""

    records: list[Row]
    seq: int


class Queue(TypedDict):
    """What `offhook status --json` prints."""

    home: str
    inbox: dict[str, Any]
    paused: bool
    counts: dict[Status, int]
    recordings: list[dict[str, Any]]
    server: dict[str, Any] | None
    running: list[dict[str, Any]]
    oldest_waiting: dict[str, Any] | None
    missing_models: list[dict[str, Any]]
    workers: list[dict[str, Any]]
    stopped_hooks: list[dict[str, Any]]
    errors: list[dict[str, Any]]
