"""Sends what is due to each hook: one message after another, several hooks at once.

What is to be sent is in the database. A process that is killed here loses nothing: the lease of its claim
ends, and the message is sent again under the same id.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from offhook.desk.desk import Desk
from offhook.hooks import message
from offhook.hooks.outcome import DAY, Outcome, wait_seconds
from offhook.hooks.sender import Sender
from shared.errors import HookNotFound, RecordNotFound, StoreError
from shared.logs import DatabaseTrouble
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Delivery, Hook

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
#: Longer than any attempt takes, with the look-up of a name that does not answer.
LEASE_SECONDS = 180.0
#: Hooks that are sent something at once; a slow one does not hold up the others.
MOST_AT_ONCE = 4
#: A hook is stopped after this long without any success.
PATIENCE_SECONDS = 5 * DAY
#: Why a hook was stopped is one line of `offhook status`.
LONGEST_WHY = 300
KEPT_SECONDS = 30 * DAY
PRUNE_SECONDS = 3600.0
STOP_SECONDS = 1.0


def deliver(desk: Desk, stopping: threading.Event) -> None:
    """Deliver until the event is set: a task of the desk's server."""
    Deliverer(desk.store, desk.settings, Sender(desk.settings, stopping), stopping=stopping).run()


class Deliverer:
    """Delivers to the hooks of one store, until it is asked to stop."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        sender: Sender,
        *,
        stopping: threading.Event | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._store, self._settings, self._sender = store, settings, sender
        self._stopping, self._clock = stopping or threading.Event(), clock or store.clock
        self._trouble = DatabaseTrouble(log)
        self._running: dict[int, threading.Thread] = {}
        self._pruned_at = 0.0

    def run(self) -> None:
        """Deliver until it is asked to stop; a look costs one query of an index."""
        try:
            while not self._stopping.wait(LOOK_SECONDS):
                self._look()
            end = time.monotonic() + STOP_SECONDS  # a program is ended sooner than that
            for thread in self._running.values():
                thread.join(max(0.0, end - time.monotonic()))
        finally:
            self._store.disconnect()

    def run_due(self) -> None:
        """Deliver all that is due now, in this thread."""
        for hook_id in self._store.deliveries.hooks_due():
            self._drain(hook_id)

    def prune(self) -> None:
        """Delete what was finished long ago."""
        if count := self._store.deliveries.prune(self._clock() - KEPT_SECONDS):
            log.info("removed %d old deliveries", count)

    def _look(self) -> None:
        """Start a thread for each hook with a due delivery that has none."""
        try:
            if abs(self._clock() - self._pruned_at) > PRUNE_SECONDS:
                self._pruned_at = self._clock()
                self.prune()
            self._running = {hook: thread for hook, thread in self._running.items() if thread.is_alive()}
            if self._store.deliveries.may_be_due():
                for hook_id in self._store.deliveries.hooks_due():
                    self._start(hook_id)
            self._trouble.is_over()
        except StoreError as error:
            self._trouble.note(error)

    def _start(self, hook_id: int) -> None:
        if hook_id in self._running or len(self._running) >= MOST_AT_ONCE:
            return
        thread = threading.Thread(target=self._drain_in_thread, args=(hook_id,), daemon=True)
        self._running[hook_id] = thread
        thread.start()

    def _drain_in_thread(self, hook_id: int) -> None:
        try:
            self._drain(hook_id)
        except StoreError as error:  # the next look begins again
            self._trouble.note(error)
        finally:
            self._store.disconnect()

    def _drain(self, hook_id: int) -> None:
        """Send a hook all that is due, in the order of the events."""
        while not self._stopping.is_set() and (
            claimed := self._store.deliveries.claim(hook_id, LEASE_SECONDS)
        ):
            try:
                self._deliver(self._store.hooks.get(hook_id), claimed)
            except (HookNotFound, RecordNotFound):
                log.info("delivery %d: its hook or its recording was deleted", claimed.id)

    def _deliver(self, hook: Hook, claimed: Delivery) -> None:
        try:
            outcome = self._sent(hook, claimed)
        except (RecordNotFound, StoreError):
            raise
        except Exception as error:  # a damaged recording, say: it may not hold up other messages
            log.exception("delivery %d cannot be sent", claimed.id)
            outcome = Outcome(error=f"This is a fault in offhook itself ({type(error).__name__}).")
        if outcome is None:  # stopping: it is due again when the lease ends
            return
        if outcome.error is None:
            self._store.deliveries.note_delivered(claimed, outcome.status or 0)
            log.info("delivery %d to hook %d: received", claimed.id, hook.id)
        else:
            self._note_failure(hook, claimed, outcome)

    def _sent(self, hook: Hook, claimed: Delivery) -> Outcome | None:
        body = message.body(self._store, self._settings, hook, claimed)
        return self._sender.send(hook, claimed.message_id, body)

    def _note_failure(self, hook: Hook, claimed: Delivery, outcome: Outcome) -> None:
        wait = wait_seconds(hook.kind, claimed.attempts, outcome)
        error = outcome.error or ""
        self._store.deliveries.note_failed(claimed, outcome.status, error, wait)
        what = "no further attempt" if wait is None else f"next attempt in {wait:.0f} s"
        log.warning(
            "delivery %d to hook %d: not received (%s), %s", claimed.id, hook.id, outcome.status, what
        )
        if outcome.is_gone:
            self._store.hooks.stop(hook.id, "The receiver answered 410: it wants no more messages.")
        elif wait is None and self._has_failed_for_long(hook.id):
            why = f"Every attempt of {PATIENCE_SECONDS / DAY:.0f} days has failed. The last one: {error}"
            self._store.hooks.stop(hook.id, why[:LONGEST_WHY])

    def _has_failed_for_long(self, hook_id: int) -> bool:
        first = self._store.hooks.get(hook_id).first_failed_at
        return first is not None and self._clock() - first >= PATIENCE_SECONDS
