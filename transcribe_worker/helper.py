"""Lets a waiting command do the work of a worker, if none runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

from archive.library import Library
from shared.settings import Settings
from shared.store.store import Store
from shared.store.transitions import QUEUED
from shared.store.values import Record
from shared.workers import Presence
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.jobs.archiver import archive
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import EVERY_SECONDS, Sweeper
from transcribe_worker.jobs.transcriber import Transcriber


class Helper:
    """A worker inside a command: a sweeper, and one recording at a time in its own thread."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        presence: Presence,
        hints: HintQueue,
    ) -> None:
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._stopping = threading.Event()
        library = Library(settings, store)
        self._sweeper = Sweeper(settings, store, hints, library)
        self._next_sweep = 0.0
        self._disconnect = store.disconnect  # of the thread
        self._transcriber = Transcriber(
            settings=settings,
            store=store,
            library=library,
            worker_id=presence.worker_id,
            engine=Engine(),
            stopping=self._stopping,
            report=lambda _: None,
            archive=partial(archive, library),
        )

    def help_with(self, record: Record) -> None:
        """Sweep if that is due, and start to transcribe a queued recording. Raises the thread's error."""
        if self._error:
            raise self._error
        if time.monotonic() > self._next_sweep:
            self._sweeper.sweep()
            self._next_sweep = time.monotonic() + EVERY_SECONDS
        busy = self._thread is not None and self._thread.is_alive()
        if record.transcription_status == QUEUED and not busy:
            self._thread = threading.Thread(target=self._transcribe, args=(record.id,))
            self._thread.start()

    def _transcribe(self, record_id: int) -> None:
        try:
            self._transcriber.transcribe(record_id)
        except Exception as error:  # raised again in the waiting thread
            self._error = error
        finally:
            self._disconnect()

    def stop(self) -> None:
        """Hand the unfinished recording back and end the engine."""
        self._stopping.set()
        if self._thread:
            self._thread.join()
        self._transcriber.engine.close()


@contextmanager
def helping(settings: Settings, store: Store) -> Iterator[Helper]:
    """Yield a helper; at the end, hand its unfinished recording back."""
    presence = Presence(store, settings.locks, "command").enter()
    with closing(HintQueue.of(settings)) as hints:
        helper = Helper(settings, store, presence, hints)
        try:
            yield helper
        finally:
            helper.stop()
            presence.leave()
