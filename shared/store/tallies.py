"""Tallies: how attempts at recordings have ended since the database was made.

Records cannot be counted for that: they are deleted, and queued again. A tally is written in the transaction
that it counts, so a process that is killed loses none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from peewee import EXCLUDED, fn

from shared.store.database import Database
from shared.store.statements import Statement, given
from shared.store.tables import TallyRow, WorkerRow
from shared.store.values import Record, sound

COMPLETED, RETRIED, FAILED = "completed", "retried", "failed"
#: Stands for a model that is named by its folder, or a code that offhook did not give: both may name persons.
OTHER = "other"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_KEY = (TallyRow.worker_id, TallyRow.host, TallyRow.event, TallyRow.model, TallyRow.error_code)
_SUMS = (TallyRow.count, TallyRow.audio_seconds, TallyRow.seconds)
_COUNT = Statement(
    TallyRow.insert(**{column.name: given(column.name) for column in (*_KEY, *_SUMS)}).on_conflict(
        conflict_target=_KEY, update={column: column + EXCLUDED[column.column_name] for column in _SUMS}
    )
)


@dataclass(frozen=True)
class Tally:
    """How often something has happened on a host; the seconds are those of audio, and those it took."""

    host: str
    event: str
    count: int
    model: str = ""
    error_code: str = ""
    audio_seconds: float = 0.0
    seconds: float = 0.0


class Tallies:
    """The tallies of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def completed(self, claimed: Record, record: Record) -> None:
        """Count a completed recording, which was claimed as `claimed`; call in its transaction."""
        sums = {
            "audio_seconds": record.duration_seconds or 0.0,
            "seconds": max(0.0, (record.completed_at or 0.0) - (record.started_at or 0.0)),
        }
        self._add(claimed, {"event": COMPLETED, "model": bounded(record.model or ""), **sums})

    def ended(self, claimed: Record, event: str, error_code: str) -> None:
        """Count an attempt that has ended with an error; call in its transaction."""
        self._add(claimed, {"event": event, "error_code": bounded(error_code)})

    def fold(self) -> None:
        """Add the tallies of ended processes to those of their hosts; call in a transaction."""
        is_over = (TallyRow.worker_id != "") & TallyRow.worker_id.not_in(WorkerRow.select(WorkerRow.id))
        for row in self._database.all(TallyRow.delete().where(is_over).returning(TallyRow)):
            self._upsert(row | {"worker_id": ""})

    def every(self) -> list[Tally]:
        """Return the tallies of each host, those of its processes together."""
        key = _KEY[1:]
        sums = (fn.SUM(column).alias(column.name) for column in _SUMS)
        rows = self._database.all(TallyRow.select(*key, *sums).group_by(*key).order_by(*key))
        return list(sound(Tally, rows))

    def _add(self, claimed: Record, columns: dict[str, Any]) -> None:
        who = {"worker_id": claimed.worker_id or "", "host": claimed.worker_host or ""}
        self._upsert(
            {"model": "", "error_code": "", "count": 1, "audio_seconds": 0.0, "seconds": 0.0} | who | columns
        )

    def _upsert(self, row: dict[str, Any]) -> None:
        self._database.carry_out(_COUNT, **row)


def bounded(name: str) -> str:
    """Return the name of a model or the code of an error, OTHER if it may be anything."""
    return name if not name or _NAME.fullmatch(name) else OTHER
