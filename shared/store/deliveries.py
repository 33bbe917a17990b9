"""The messages for hooks: each is written in the transaction that makes it necessary, then sent until it is
received.

A delivery that is claimed is due again when its lease ends, so the message of a process that was killed is
sent again: at least once, always with the same message id.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from peewee import SQL, Expression, fn

from shared.errors import DeliveryNotFound, HookStopped
from shared.store.database import LARGEST_ID, Database
from shared.store.tables import DeletionRow, DeliveryRow, HookRow
from shared.store.values import Delivery, Hook, Record, value_of
from shared.store.waiting import has_come

WAITING, DELIVERED, FAILED = DELIVERY_STATES = ("waiting", "delivered", "failed")
#: The events that hooks are notified of, by the state that a record then has.
EVENTS = {"completed": "record.completed", "failed": "record.failed"}
LONGEST_WAIT_SECONDS = 2 * 86_400.0


def intend(database: Database, record: Record) -> None:
    """Write down a delivery for each hook that wants the record's new state, if it is an event.

    Call it in the transaction that changes the state.
    """
    event = EVENTS.get(record.transcription_status)
    if event is None:
        return
    running = HookRow.select().where(HookRow.stopped_at.is_null())
    for hook in (value_of(Hook, row) for row in database.all(running)):
        if event in hook.events:
            database.run(
                DeliveryRow.insert(
                    hook=hook.id,
                    record=record.id,
                    event=event,
                    message_id=f"msg_{uuid.uuid4().hex}",
                    state=WAITING,
                    created_at=record.completed_at or 0.0,
                )
            )


class Deliveries:
    """The deliveries of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    # Queries

    def get(self, delivery_id: int) -> Delivery:
        """Return a delivery. Raises DeliveryNotFound."""
        row = None
        if abs(delivery_id) <= LARGEST_ID:
            row = self._database.first(DeliveryRow.select().where(DeliveryRow.id == delivery_id))
        if row is None:
            raise DeliveryNotFound(f"There is no delivery {delivery_id}.")
        return value_of(Delivery, row)

    def newest(self, hook_id: int, limit: int) -> list[Delivery]:
        """Return the last deliveries of a hook, the newest first."""
        query = DeliveryRow.select().where(DeliveryRow.hook == hook_id)
        rows = self._database.all(query.order_by(DeliveryRow.id.desc()).limit(limit))
        return [value_of(Delivery, row) for row in rows]

    def counts(self) -> dict[int, dict[str, int]]:
        """Return the number of deliveries in each state, by hook."""
        columns = (DeliveryRow.hook, DeliveryRow.state, fn.COUNT(SQL("*")).alias("count"))
        query = DeliveryRow.select(*columns).group_by(DeliveryRow.hook, DeliveryRow.state)
        found: dict[int, dict[str, int]] = {}
        for row in self._database.all(query):
            found.setdefault(row["hook"], dict.fromkeys(DELIVERY_STATES, 0))[row["state"]] = row["count"]
        return found

    def may_be_due(self) -> bool:
        """Whether a delivery is due, by one look at an index; it is asked all the time."""
        waits = DeliveryRow.state == WAITING
        next_at = self._database.scalar(DeliveryRow.select(fn.MIN(DeliveryRow.next_attempt_at)).where(waits))
        return next_at is not None and has_come(float(next_at), self._clock(), LONGEST_WAIT_SECONDS)

    def hooks_due(self) -> list[int]:
        """Return the hooks that have a due delivery."""
        query = DeliveryRow.select(DeliveryRow.hook).where(_is_due(self._clock())).distinct()
        return [row["hook"] for row in self._database.all(query)]

    # What a deliverer does

    def claim(self, hook_id: int, lease_seconds: float) -> Delivery | None:
        """Claim the oldest due delivery of a hook, None if there is none; one process gets it.

        It is due again after `lease_seconds`, unless its end was noted.
        """
        now = self._clock()
        due = DeliveryRow.select(DeliveryRow.id).where((DeliveryRow.hook == hook_id) & _is_due(now))
        claimed = {"attempts": DeliveryRow.attempts + 1, "next_attempt_at": now + lease_seconds}
        with self._database.transaction():
            first = self._database.scalar(due.order_by(DeliveryRow.id).limit(1))
            query = DeliveryRow.update(**claimed).where(DeliveryRow.id == first).returning(DeliveryRow)
            row = self._database.first(query) if first is not None else None
        return value_of(Delivery, row) if row else None

    def note_delivered(self, claimed: Delivery, status: int) -> None:
        """Note that a claimed delivery was received, and that its hook works."""
        done = {"state": DELIVERED, "finished_at": self._clock(), "last_status": status, "last_error": None}
        with self._database.transaction():
            self._note(claimed, **done)
            self._database.run(HookRow.update(first_failed_at=None).where(HookRow.id == claimed.hook))

    def note_failed(
        self, claimed: Delivery, status: int | None, error: str, wait_seconds: float | None
    ) -> None:
        """Note why a claimed delivery was not received; it is tried again unless `wait_seconds` is None."""
        now = self._clock()
        columns: dict[str, Any] = {"last_status": status, "last_error": error}
        if wait_seconds is None:
            columns |= {"state": FAILED, "finished_at": now}
        else:
            columns |= {"next_attempt_at": now + wait_seconds}
        first = fn.COALESCE(HookRow.first_failed_at, now)
        with self._database.transaction():
            self._note(claimed, **columns)
            self._database.run(HookRow.update(first_failed_at=first).where(HookRow.id == claimed.hook))

    def prune(self, before: float) -> int:
        """Delete the deliveries that were finished before a moment; return their number."""
        old = DeliveryRow.state.in_((DELIVERED, FAILED)) & (DeliveryRow.finished_at < before)
        with self._database.transaction():
            return self._database.run(DeliveryRow.delete().where(old))

    # What a person or a program asks for

    def redeliver(self, delivery_id: int) -> Delivery:
        """Send a delivery again now, with all its attempts. Raises DeliveryNotFound, HookStopped."""
        with self._database.transaction():
            hook_id = self.get(delivery_id).hook
            hook = self._database.first(HookRow.select().where(HookRow.id == hook_id))
            if hook and hook["stopped_at"] is not None:
                raise HookStopped(f"Hook {hook_id} is stopped. `offhook hooks start {hook_id}` starts it.")
            self._again(DeliveryRow.id == delivery_id)
            return self.get(delivery_id)

    def redeliver_failed(self) -> int:
        """Send the failed deliveries of hooks that are not stopped again; return their number."""
        running = HookRow.select(HookRow.id).where(HookRow.stopped_at.is_null())
        with self._database.transaction():
            return self._again((DeliveryRow.state == FAILED) & DeliveryRow.hook.in_(running))

    def forget(self, record_id: int) -> None:
        """Remove the deliveries of a record, such as of one that is not new."""
        with self._database.transaction():
            self._database.run(DeliveryRow.delete().where(DeliveryRow.record == record_id))

    # Helpers

    def _again(self, where: Expression) -> int:
        waiting = {"state": WAITING, "attempts": 0, "next_attempt_at": 0.0, "finished_at": None}
        return self._database.run(DeliveryRow.update(**waiting).where(where))

    def _note(self, claimed: Delivery, **columns: Any) -> None:
        """Write the end of an attempt, unless another process has claimed the delivery since."""
        mine = (
            (DeliveryRow.id == claimed.id)
            & (DeliveryRow.state == WAITING)
            & (DeliveryRow.attempts == claimed.attempts)
            & (DeliveryRow.next_attempt_at == claimed.next_attempt_at)
        )
        self._database.run(DeliveryRow.update(**columns).where(mine))


def _is_due(now: float) -> Expression:
    """Whether a delivery is to be sent: its wait is over, and no person has deleted its record."""
    waited = has_come(DeliveryRow.next_attempt_at, now, LONGEST_WAIT_SECONDS)
    deleted = DeletionRow.select(DeletionRow.record)
    return (DeliveryRow.state == WAITING) & waited & DeliveryRow.record.not_in(deleted)
