"""Who is notified of records: the hooks of one database. `deliveries.py` has their messages."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection

from shared.errors import HookNotFound
from shared.store.database import LARGEST_ID, Database
from shared.store.deliveries import FAILED, WAITING
from shared.store.tables import DeliveryRow, HookRow
from shared.store.values import Hook, value_of

URL, PROGRAM = KINDS = ("url", "program")


class Hooks:
    """The hooks of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def add(
        self, kind: str, target: str, secret: str, events: Collection[str], *, has_words: bool = False
    ) -> Hook:
        """Add a hook; it is notified of what happens from now on."""
        query = HookRow.insert(
            kind=kind,
            target=target,
            secret=secret,
            events=json.dumps(list(events)),
            has_words=has_words,
            created_at=self._clock(),
        ).returning(HookRow)
        with self._database.transaction():
            row = self._database.first(query)
        assert row
        return value_of(Hook, row)

    def every(self) -> list[Hook]:
        """Return all hooks, the oldest first."""
        return [value_of(Hook, row) for row in self._database.all(HookRow.select().order_by(HookRow.id))]

    def get(self, hook_id: int) -> Hook:
        """Return a hook. Raises HookNotFound."""
        row = None
        if abs(hook_id) <= LARGEST_ID:
            row = self._database.first(HookRow.select().where(HookRow.id == hook_id))
        if row is None:
            raise HookNotFound(f"There is no hook {hook_id}.")
        return value_of(Hook, row)

    def replace_secret(self, hook_id: int, secret: str) -> Hook:
        """Replace what signs a hook's messages. Raises HookNotFound."""
        with self._database.transaction():
            self.get(hook_id)
            self._database.run(HookRow.update(secret=secret).where(HookRow.id == hook_id))
            return self.get(hook_id)

    def remove(self, hook_id: int) -> None:
        """Remove a hook with its deliveries. Raises HookNotFound."""
        with self._database.transaction():
            self.get(hook_id)
            self._database.run(HookRow.delete().where(HookRow.id == hook_id))

    def stop(self, hook_id: int, why: str) -> Hook:
        """Stop a hook: its waiting deliveries fail, and it gets no others. Raises HookNotFound."""
        now = self._clock()
        with self._database.transaction():
            self.get(hook_id)
            self._database.run(HookRow.update(stopped_at=now, stopped_why=why).where(HookRow.id == hook_id))
            waits = (DeliveryRow.hook == hook_id) & (DeliveryRow.state == WAITING)
            failed = {"state": FAILED, "finished_at": now, "last_error": f"The hook was stopped. {why}"}
            self._database.run(DeliveryRow.update(**failed).where(waits))
            return self.get(hook_id)

    def start(self, hook_id: int) -> Hook:
        """Start a stopped hook again; what failed meanwhile is redelivered by hand. Raises HookNotFound."""
        started = {"stopped_at": None, "stopped_why": None, "first_failed_at": None}
        with self._database.transaction():
            self.get(hook_id)
            self._database.run(HookRow.update(**started).where(HookRow.id == hook_id))
            return self.get(hook_id)
