"""The states of a recording and every way from one to another: a table.

`records.py` is the only code that carries a transition out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from peewee import fn

from shared.store.models import Record

QUEUED, PROCESSING, COMPLETED, FAILED, CANCELLED = "queued", "processing", "completed", "failed", "cancelled"
STATES = (QUEUED, PROCESSING, COMPLETED, FAILED, CANCELLED)

#: A record that waits names the model it asks for, not the one its last attempt used.
_WAITS = {"model": fn.json_extract(Record.options, "$.model")}
_RELEASED = {"claim_token": None, "worker_id": None, "lease_expires_at": None}
NO_ERROR = {"transcription_error": None, "error_code": None}
AFRESH = {
    "attempts": 0,
    "crashes": 0,
    "progress": 0.0,
    "speed": None,
    "next_attempt_at": 0.0,
    "started_at": None,
    "completed_at": None,
    "filed_at": None,
    "flags": "[]",
    "language": None,
    **NO_ERROR,
    **_WAITS,
}


@dataclass(frozen=True)
class Transition:
    """A change of state: from where, to where, and what else it always writes."""

    sources: tuple[str, ...]
    target: str
    writes: Mapping[str, Any] = field(default_factory=dict)


TRANSITIONS = {
    "claim": Transition(
        (QUEUED,),
        PROCESSING,
        NO_ERROR | {"attempts": Record.attempts + 1, "speed": None},
    ),
    "complete": Transition((PROCESSING,), COMPLETED, _RELEASED | {"progress": 1.0}),
    "retry_later": Transition((PROCESSING,), QUEUED, _RELEASED | _WAITS),
    "hand_back": Transition((PROCESSING,), QUEUED, _RELEASED | _WAITS | {"attempts": Record.attempts - 1}),
    "hold": Transition((PROCESSING,), QUEUED, _RELEASED | _WAITS | {"attempts": Record.attempts - 1}),
    "start_over": Transition((PROCESSING,), QUEUED, _RELEASED | AFRESH),
    "fail": Transition((PROCESSING,), FAILED, _RELEASED),
    "requeue": Transition((FAILED, COMPLETED, CANCELLED), QUEUED, _RELEASED | AFRESH),
    "cancel": Transition((QUEUED, PROCESSING, FAILED), CANCELLED, _RELEASED),
}
