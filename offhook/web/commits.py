"""Wakes those who wait for the database to change, in one thread, while there are any."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from offhook.desk.desk import Desk
from offhook.web.hub import LOOK_SECONDS, MOST_STREAMS, TooManyStreams
from shared.errors import StoreError
from shared.logs import DatabaseTrouble

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Commits:
    """Looks at the database's counter of commits five times a second; any thread may call this."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None
        self._trouble = DatabaseTrouble(log)
        self.is_stopped = False

    def join(self, listener: Callable[[], None]) -> None:
        """Call a listener, in any thread, whenever something was committed. Raises TooManyStreams."""
        with self._lock:
            if len(self._listeners) >= MOST_STREAMS:
                raise TooManyStreams
            self._listeners.append(listener)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="commits", daemon=True)
                self._thread.start()

    def leave(self, listener: Callable[[], None]) -> None:
        """Stop calling a listener."""
        with self._lock:
            self._listeners.remove(listener)

    def stop(self) -> None:
        """Tell everybody that nothing more comes."""
        self.is_stopped = True
        self._wake()

    def _run(self) -> None:
        while self._goes_on():
            try:
                self._watch()
                self._trouble.is_over()
            except StoreError as error:
                self._trouble.note(error)
                time.sleep(RETRY_SECONDS)
            except Exception:  # the cause may be gone later
                log.exception("the database cannot be watched")
                time.sleep(RETRY_SECONDS)

    def _goes_on(self) -> bool:
        with self._lock:
            if self._listeners and not self.is_stopped:
                return True
            self._thread = None
            return False

    def _watch(self) -> None:
        with self._desk.store.feed() as feed:
            self._wake()  # what was committed before
            while self._listeners and not self.is_stopped:
                if feed.wait(0.0):
                    self._wake()
                time.sleep(LOOK_SECONDS)

    def _wake(self) -> None:
        with self._lock:
            for listener in self._listeners:
                listener()
