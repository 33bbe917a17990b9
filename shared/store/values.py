"""The frozen values that the store returns. Times are seconds since 1970 in UTC."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from shared.store import stored_json

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
    language_probability: float | None = None
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
    #: Where the recording is in a team's storage; None: `recording_path` is a file of this machine.
    storage_key: str | None = None
    owner_id: int | None = None
    workstation: str | None = None
    #: The columns that no version of offhook writes so; a neutral value replaces each.
    damaged: tuple[str, ...] = ()

    @property
    def is_capture(self) -> bool:
        """Whether offhook recorded it, so that the two sides of the call are known."""
        return self.source == "capture"


@dataclass(frozen=True)
class Capture:
    """A call that is being recorded, or was: whose it is, where it will be, how well it was heard.

    `live` says whether it is transcribed meanwhile, if that was chosen when it began.
    """

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
    live: bool | None = None
    strain: str | None = None

    def is_live(self, usual: bool) -> bool:
        """Whether it is to be transcribed while it is recorded; `usual` is what the settings say."""
        return usual if self.live is None else self.live


@dataclass(frozen=True)
class InboxFile:
    """A file that the inbox has dealt with, as it was then."""

    path: str
    size_bytes: int
    modified_ns: int
    outcome: str
    record: int | None = None


@dataclass(frozen=True)
class Upload:
    """A recording that is being sent; `options` has the settings and columns chosen for its record."""

    id: str
    name: str
    size_bytes: int
    recording_path: str
    created_at: float
    options: Mapping[str, Any] = field(default_factory=dict)


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


@dataclass(frozen=True)
class Hook:
    """Who is notified of records: a URL, or a program with its arguments, as JSON.

    `secret` signs messages; while it is being replaced it is two, the new one first, with a space between.
    `first_failed_at` is the first failed attempt since the last success. A stopped hook gets nothing.
    """

    id: int
    kind: str
    target: str
    secret: str
    created_at: float
    events: tuple[str, ...] = ()
    has_words: bool = False
    first_failed_at: float | None = None
    stopped_at: float | None = None
    stopped_why: str | None = None


@dataclass(frozen=True)
class Delivery:
    """A message of one event of one record for one hook; `last_status` is HTTP's, or an exit code."""

    id: int
    hook: int
    record: int
    event: str
    message_id: str
    state: str
    created_at: float
    attempts: int = 0
    next_attempt_at: float = 0.0
    last_status: int | None = None
    last_error: str | None = None
    finished_at: float | None = None


class Reader(NamedTuple):
    """Reads a column; `neutral` is what a damaged value counts as."""

    read: Callable[[Any], Any]
    neutral: Any


def value_of(kind: type[Value], row: Mapping[str, Any]) -> Value:
    """Make a value of a row; damaged columns get a neutral value, and unknown ones are left out."""
    found: dict[str, Any] = {}
    damaged = []
    readers = _readers(kind)  # type: ignore[arg-type]
    for name, stored in row.items():
        if reader := readers.get(name):
            try:
                found[name] = reader.read(stored)
            except (TypeError, ValueError):
                found[name] = reader.neutral
                damaged.append(name)
    if damaged and "damaged" in kind.__dataclass_fields__:  # type: ignore[attr-defined]
        found["damaged"] = tuple(damaged)
    return kind(**found)


def sound(kind: type[Value], rows: Iterable[Mapping[str, Any]]) -> tuple[Value, ...]:
    """Make values of rows, without those that have a damaged column."""
    readers = _readers(kind)  # type: ignore[arg-type]
    found = []
    for row in rows:
        with suppress(TypeError, ValueError):
            found.append(kind(**{name: reader.read(row[name]) for name, reader in readers.items()}))
    return tuple(found)


def columns_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns as the tables store them: JSON as text."""
    return {name: json.dumps(found) if name in _JSON else found for name, found in given.items()}


_JSON = ("flags", "options", "verdict")
#: A time after the year 9000 cannot be shown.
LAST_TIME = 222_000_000_000.0
#: SQLite's integers have 64 bits; a larger one was stored as another type.
LARGEST_WHOLE = 2**63 - 1


def _text(stored: Any) -> str:
    if not isinstance(stored, str):
        raise TypeError(stored)
    return stored


def _whole(stored: Any) -> int:
    if type(stored) is not int or abs(stored) > LARGEST_WHOLE:
        raise TypeError(stored)
    return stored


def _truth(stored: Any) -> bool:
    if not isinstance(stored, int) or stored not in (0, 1):
        raise TypeError(stored)
    return bool(stored)


def _number(stored: Any) -> float:
    if not isinstance(stored, int | float) or not math.isfinite(stored):
        raise TypeError(stored)
    return stored


def _time(stored: Any) -> float:
    if not 0 <= _number(stored) <= LAST_TIME:
        raise ValueError(stored)
    return float(stored)


def _texts(stored: Any) -> tuple[str, ...]:
    return tuple(map(_text, stored_json.read(stored or "[]", list)))


def _object(stored: Any) -> dict[str, Any]:
    found: dict[str, Any] = stored_json.read(stored or "{}", dict)
    return found


#: How a column is read, by the annotation of its field.
_READERS = {
    "str": Reader(_text, ""),
    "int": Reader(_whole, 0),
    "bool": Reader(_truth, False),
    "float": Reader(_number, 0.0),
    "tuple[str, ...]": Reader(_texts, ()),
    "Mapping[str, Any]": Reader(_object, {}),
}


@lru_cache
def _readers(kind: type) -> dict[str, Reader]:
    """Return how the columns of a dataclass are read."""
    given = {f.name: str(f.type) for f in fields(kind) if f.name != "damaged"}
    return {name: _reader(name, annotation) for name, annotation in given.items()}


def _reader(name: str, annotation: str) -> Reader:
    required = annotation.removesuffix(" | None")
    reader = _READERS[required]
    if name.endswith("_at"):
        reader = reader._replace(read=_time)
    return reader if required == annotation else Reader(_or_none(reader.read), None)


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda stored: None if stored is None else read(stored)
