"""The values of live calls, and their words as columns have them, for showing.

Words are a flat JSON list in a column: `[[start_ms, end_ms, text, speaker], …]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from shared.store import stored_json


@dataclass(frozen=True, slots=True)
class LiveWord:
    """A word as the model wrote it, with the space before it; `speaker` is None while nobody knows."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str | None
    is_final: bool


@dataclass(frozen=True)
class LiveCall:
    """A call that is decoded while it is recorded: who does it, how, and how far it is.

    Everything before `final_seconds` is final; up to `heard_seconds` there is text. `yields` says why nothing
    is decoded now, `why` why the call is off. `revision` grows with every change that a person can see.
    """

    session_id: str
    state: str
    why: str | None
    worker_id: str | None
    host: str | None
    token: str | None
    lease_expires_at: float | None
    recipe: str
    model: str
    language: str | None
    language_probability: float | None
    flags: tuple[str, ...]
    crashes: int
    final_seconds: float
    heard_seconds: float
    behind_seconds: float
    speed: float | None
    yields: str | None
    revision: int
    updated_at: float


@dataclass(frozen=True)
class LiveClaim:
    """A worker's right to one live call, and the call as it was claimed."""

    session_id: str
    token: str
    call: LiveCall


@dataclass(frozen=True)
class LivePage:
    """The final words of some windows, by time, and the numbers of the first and the last window.

    The numbers are 0 if there is none. `has_earlier` says whether there are windows before the first one.
    """

    words: list[LiveWord]
    first: int
    last: int
    has_earlier: bool


def words_as_json(words: Iterable[LiveWord]) -> str:
    """Write words as a JSON list; whether they are final depends on the column."""
    return json.dumps([[it.start_ms, it.end_ms, it.text, it.speaker] for it in words], ensure_ascii=False)


def words_from_json(text: Any, *, is_final: bool) -> list[LiveWord]:
    """Read words from a JSON list; those that are damaged are left out."""
    try:
        found = stored_json.read(text, list)
    except ValueError:
        return []
    return [LiveWord(it[0], it[1], it[2], it[3], is_final) for it in found if _is_word(it)]


def _is_word(found: Any) -> bool:
    if not isinstance(found, list) or len(found) != 4:
        return False
    start_ms, end_ms, text, speaker = found
    is_said = isinstance(text, str) and isinstance(speaker, str | None)
    return is_said and type(start_ms) is int and type(end_ms) is int
