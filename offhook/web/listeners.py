"""Those who wait for news, and the thread that looks for it while there are any."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from shared.errors import OffhookError, StoreError
from shared.logs import DatabaseTrouble

log = logging.getLogger(__name__)

#: More streams are refused: a browser has one for all its tabs. In a team each person may have some of them.
MOST_STREAMS, MOST_OF_A_PERSON, MOST_OF_A_TEAM = 50, 20, 2000
#: Looks at the database's counter of commits.
LOOK_SECONDS = 0.2


class TooManyStreams(OffhookError):
    """Too many are listening. Close some pages of the desk, or programs that wait for news."""

    code = "too_many_streams"


class Listeners:
    """The listeners of one kind of news; any thread may call it.

    `watch` runs in a thread of its own while there are any, and returns when `are_there` is false. An error
    in it is logged, and it is called again after `retry_seconds`. That thread calls `at_end` last.
    """

    def __init__(
        self,
        name: str,
        watch: Callable[[], None],
        *,
        retry_seconds: float,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._name, self._watch, self._retry_seconds, self._at_end = name, watch, retry_seconds, at_end
        self._lock = threading.Lock()
        self._listeners: dict[Callable[[], None], int | None] = {}
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._trouble = DatabaseTrouble(log)

    @property
    def is_stopped(self) -> bool:
        """Whether nothing more comes."""
        return self._stopped.is_set()

    @property
    def are_there(self) -> bool:
        """Whether somebody waits for more."""
        with self._lock:
            return bool(self._listeners) and not self.is_stopped

    def join(self, listener: Callable[[], None], person_id: int | None = None) -> None:
        """Call a listener, in any thread, whenever there is news. Raises TooManyStreams.

        It may be a person's: there is a limit for each, so that nobody takes the streams of others.
        """
        most = MOST_STREAMS if person_id is None else MOST_OF_A_PERSON
        with self._lock:
            mine = sum(it == person_id for it in self._listeners.values())
            if mine >= most or len(self._listeners) >= MOST_OF_A_TEAM:
                raise TooManyStreams
            self._listeners[listener] = person_id
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def leave(self, listener: Callable[[], None]) -> None:
        """Stop calling a listener."""
        with self._lock:
            del self._listeners[listener]

    def stop(self) -> None:
        """Tell everybody that nothing more comes."""
        self._stopped.set()
        self.wake()

    def wake(self) -> None:
        """Call all listeners."""
        with self._lock:
            for listener in self._listeners:
                listener()

    def _run(self) -> None:
        try:
            while self._goes_on():
                try:
                    self._watch()
                    self._trouble.is_over()
                except StoreError as error:
                    self._trouble.note(error)
                    self._stopped.wait(self._retry_seconds)
                except Exception:  # the cause may be gone later
                    log.exception("%s cannot be watched", self._name)
                    self._stopped.wait(self._retry_seconds)
        finally:
            self._at_end()

    def _goes_on(self) -> bool:
        with self._lock:
            if self._listeners and not self.is_stopped:
                return True
            self._thread = None
            return False
