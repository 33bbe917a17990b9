"""Starts, runs and ends offhook's long-running processes."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared import console, home, streams
from shared.errors import OffhookError, StoreAway, StoreError, in_words
from shared.locks import is_free
from shared.logs import DatabaseTrouble, discreet, log_faults, log_to
from shared.plain_text import lines
from shared.privacy import forbid_core_dumps, stop_telemetry
from shared.reserve import Reserve
from shared.settings import Settings
from shared.settings_sources import load
from shared.store.store import Store
from shared.workers import Presence

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
LEAVE_SECONDS = 1.0
#: Waits for a server of the database that is away when a process starts.
SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 5.0
#: SIGBREAK is the console's stop on Windows, SIGHUP the terminal's end elsewhere.
STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")


@dataclass
class Process:
    """A running process: its store, its presence, and whether it should stop."""

    settings: Settings
    store: Store
    presence: Presence
    stopping: threading.Event
    starter_lock: Path | None = None
    signalled: bool = False
    monotonic: Callable[[], float] = time.monotonic
    finished: threading.Event = field(default_factory=threading.Event)
    _last_beat: tuple[tuple[str, str], float] = (("", ""), 0.0)
    _console: object = None
    _trouble: DatabaseTrouble = field(default_factory=lambda: DatabaseTrouble(log, "row of this process"))

    def beat(self, state: str = "ready", engines: str = "[]") -> None:
        """Update this process's row from time to time; notice that the process should stop."""
        if self.signalled or (self.starter_lock and is_free(self.starter_lock)):
            self.stopping.set()
        written, last_seconds = self._last_beat
        if (state, engines) != written or self.monotonic() - last_seconds > BEAT_SECONDS:
            try:
                self.presence.beat(state, engines)
                self._trouble.is_over()
            except StoreError as error:  # busy, full or away: the lock shows that this process runs
                self._trouble.note(error)
            self._last_beat = ((state, engines), self.monotonic())

    def stop_on_signals(self) -> None:
        """Let the signals that end a process end this one in good order.

        The handler only leaves a note for the next beat: setting an Event takes a lock that the
        interrupted code may hold.
        """

        def note(*_: object) -> None:
            self.signalled = True

        for name in STOP_SIGNALS:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), note)
        if sys.platform == "win32":
            self._console = console.on_end(note, self.finished, ctypes.windll.kernel32)


def run(kind: str, body: Callable[[Process], None]) -> int:
    """Run a process of this kind with the settings of its environment; return its exit code.

    What keeps it from starting becomes one line for the person who started it.
    """
    stop_telemetry()
    forbid_core_dumps()
    streams.complete()
    log_faults()
    try:
        with running(kind, load(os.environ), os.environ.get("OFFHOOK_STARTER_LOCK")) as process:
            body(process)
    except (OffhookError, OSError) as error:
        sys.stderr.write(lines(f"offhook: the {kind} cannot go on: {in_words(error)}\n"))
        return 1
    return 0


def _entered(kind: str, settings: Settings, starter_lock: Path | None) -> tuple[Store, Presence]:
    """Open the store and take part; wait for a server that is away, or this would start again and again.

    Raises StoreError, also StoreAway if the starter has ended.
    """
    wait_seconds, presence = SHORTEST_WAIT_SECONDS, None
    while True:
        try:
            store = Store.of_home(settings)
            presence = presence or Presence(store, settings.locks, kind)
            return store, presence.enter()
        except StoreAway as error:
            if starter_lock and is_free(starter_lock):
                raise
            if wait_seconds == SHORTEST_WAIT_SECONDS:
                log.warning("%s waits for the database: %s", kind, discreet(error))
        time.sleep(wait_seconds)
        wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)


@contextmanager
def running(kind: str, settings: Settings, starter_lock: str | None) -> Iterator[Process]:
    """Set up a process of this kind: folders, log, database, presence; undo all at the end."""
    home.prepare(settings)
    log_to(settings, kind)
    lock = Path(starter_lock) if starter_lock else None
    store, presence = _entered(kind, settings, lock)
    Reserve(settings.locks).keep()
    process = Process(settings, store, presence, threading.Event(), lock)
    process.stop_on_signals()
    log.info("%s started, home %s", kind, settings.home)
    try:
        yield process
    finally:
        process.stopping.set()
        with store.busy_timeout(LEAVE_SECONDS):  # a supervisor may kill this process soon
            presence.leave()
        store.disconnect()
        log.info("%s stopped", kind)
        process.finished.set()
