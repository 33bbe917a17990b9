"""The states of a record and every way from one to another: a table, and the one statement that carries them
out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from peewee import SQL, Expression

from shared.store import deliveries
from shared.store.database import Database, Row
from shared.store.tables import RecordRow
from shared.store.values import Record, value_of

QUEUED, PROCESSING, COMPLETED, FAILED, CANCELLED = "queued", "processing", "completed", "failed", "cancelled"
STATES = (QUEUED, PROCESSING, COMPLETED, FAILED, CANCELLED)

#: A record that waits names the model it asks for, not the one its last attempt used.
_WAITS = {"model": RecordRow.requested_model}
_RELEASED = {"claim_token": None, "worker_id": None, "worker_host": None, "lease_expires_at": None}
#: Without the time that peewee takes to write 40 names. `*` would have another column when a newer version
#: adds one, and PostgreSQL then refuses the statements that are prepared.
_EVERY_COLUMN = SQL(", ".join(f'"{name}"' for name in RecordRow._meta.columns))
NO_ERROR = {"transcription_error": None, "error_code": None}
#: The values of a record that has not been attempted yet.
UNATTEMPTED = {
    "attempts": 0,
    "crashes": 0,
    "progress": 0.0,
    "speed": None,
    "next_attempt_at": 0.0,
    "started_at": None,
    "completed_at": None,
    "archived_at": None,
    "flags": "[]",
    "language": None,
    "language_probability": None,
    **NO_ERROR,
    **_WAITS,
}


@dataclass(frozen=True)
class Transition:
    """A change of state: from where, to where, and what else it always writes.

    One that a person asks for also leads out of a damaged state, which is none of `STATES`.
    """

    sources: tuple[str, ...]
    target: str
    writes: Mapping[str, Any] = field(default_factory=dict)
    by_person: bool = False


TRANSITIONS = {
    "claim": Transition(
        (QUEUED,),
        PROCESSING,
        NO_ERROR | {"attempts": RecordRow.attempts + 1, "speed": None},
    ),
    "complete": Transition((PROCESSING,), COMPLETED, _RELEASED | {"progress": 1.0}),
    "retry_later": Transition((PROCESSING,), QUEUED, _RELEASED | _WAITS),
    "hand_back": Transition((PROCESSING,), QUEUED, _RELEASED | _WAITS | {"attempts": RecordRow.attempts - 1}),
    "hold": Transition((PROCESSING,), QUEUED, _RELEASED | _WAITS | {"attempts": RecordRow.attempts - 1}),
    "start_over": Transition((PROCESSING,), QUEUED, _RELEASED | UNATTEMPTED),
    "fail": Transition((PROCESSING,), FAILED, _RELEASED),
    "requeue": Transition((FAILED, COMPLETED, CANCELLED), QUEUED, _RELEASED | UNATTEMPTED, by_person=True),
    "cancel": Transition((QUEUED, PROCESSING, FAILED), CANCELLED, _RELEASED, by_person=True),
}


def move(database: Database, name: str, where: Expression, **columns: Any) -> Record | None:
    """Carry a transition out on one record; None if no record is where it begins. Call it in a transaction.

    Hooks are notified of the new state or of nothing: what they are to be sent is written in the same
    transaction.
    """
    row = database.first(update(name, where, **columns))
    return None if row is None else moved(database, row)


def update(name: str, where: Expression, **columns: Any) -> Any:
    """Return the one statement of a transition, whose WHERE clause decides who wins."""
    transition = TRANSITIONS[name]
    state = RecordRow.transcription_status
    begins = state.in_(transition.sources)
    if transition.by_person:
        begins |= state.not_in(STATES)
    return (
        RecordRow.update(transcription_status=transition.target, **{**transition.writes, **columns})
        .where(where & begins)
        .returning(_EVERY_COLUMN)
    )


def moved(database: Database, row: Row) -> Record:
    """Return the record that `update` has changed, and write down what hooks are to be sent."""
    record = value_of(Record, row)
    deliveries.intend(database, record)
    return record
