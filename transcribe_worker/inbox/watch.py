"""Watches the inbox folder and sweeps it when something in it may have changed.

An event from the file system only starts a sweep: events come early, twice or never.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from shared.errors import OffhookError, StoreError, WorkerStopping
from shared.home import make_folder
from shared.logs import DatabaseTrouble
from shared.process import Process
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue

log = logging.getLogger(__name__)

#: Events come in bursts; one sweep after a burst is enough.
BURST_SECONDS = 0.02
LOOK_SECONDS = 0.1
_NUDGES: list[type[FileSystemEvent]] = [FileCreatedEvent, FileModifiedEvent, FileMovedEvent, FileClosedEvent]


class _Nudge(FileSystemEventHandler):
    """Sets an event when something in the inbox may have changed."""

    def __init__(self, nudged: threading.Event) -> None:
        self._nudged = nudged

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._nudged.set()


def watch(inbox: Inbox, stopping: Callable[[], bool], beat: Callable[[], None]) -> None:
    """Sweep at start, after each event and when a sweep is due, until `stopping()` is true.

    A change of the folder's modification time counts as an event. watchdog delays events by half a second
    after a file has left the folder, and network folders may give no events at all.
    """
    folder, trouble = inbox.settings.inbox, DatabaseTrouble(log)
    with _nudges(folder) as nudged:
        next_sweep, swept_time = inbox.monotonic(), None
        while not stopping():
            nudged.wait(min(LOOK_SECONDS, max(0.0, next_sweep - inbox.monotonic())))
            folder_time = _changed_ns(folder)
            if nudged.is_set() or folder_time != swept_time or inbox.monotonic() >= next_sweep:
                time.sleep(BURST_SECONDS)
                nudged.clear()
                swept_time = folder_time
                next_sweep = inbox.monotonic() + _swept(inbox, trouble)
            beat()


@contextmanager
def _nudges(folder: Path) -> Iterator[threading.Event]:
    nudged = threading.Event()
    observer = Observer()
    observer.schedule(_Nudge(nudged), str(folder), event_filter=_NUDGES)
    try:
        observer.start()
    except OSError as error:  # the system limits the number of watches
        log.warning("no events from the inbox, its folder is polled instead: %s", error.strerror)
        yield nudged
        return
    try:
        yield nudged
    finally:
        observer.stop()
        observer.join()


def _changed_ns(folder: Path) -> int | None:
    """Return the folder's modification time; create the folder if it was removed."""
    try:
        make_folder(folder)
        return folder.stat().st_mtime_ns
    except (OffhookError, OSError):
        return None


def _swept(inbox: Inbox, trouble: DatabaseTrouble) -> float:
    try:
        seconds = inbox.sweep()
        trouble.is_over()
        return seconds
    except WorkerStopping:
        return 0.0
    except StoreError as error:
        trouble.note(error)
        return 1.0
    except OSError as error:
        log.warning("the inbox cannot be read: %s", error.strerror)
        return 5.0
    except Exception:  # the cause may be gone at the next sweep
        log.exception("sweep failed")
        return 1.0


def take_in(process: Process) -> None:
    """Watch the inbox of a process's home until the process should stop."""
    with closing(HintQueue.of(process.settings)) as hints:

        def keep() -> None:
            process.beat()
            if process.stopping.is_set():
                raise WorkerStopping

        inbox = Inbox(process.settings, process.store, hints, keep=keep)
        watch(inbox, process.stopping.is_set, process.beat)
