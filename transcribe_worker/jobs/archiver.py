"""Moves completed recordings into the library, in a thread beside the decoding of the next one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from archive.library import Library
from shared.errors import OffhookError
from shared.store.claims import Failure
from shared.store.values import Record

log = logging.getLogger(__name__)


class Archiver:
    """Archives recordings in one thread; its caller is at most one recording ahead."""

    def __init__(self, library: Library, disconnect: Callable[[], object]) -> None:
        self._library, self._disconnect = library, disconnect
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="archiver")
        self._last: Future[None] | None = None

    def archive(self, record: Record) -> None:
        """Start to archive a recording; wait first until the previous one is archived."""
        if self._last:
            self._last.result()
        self._last = self._pool.submit(archive, self._library, record)

    def close(self) -> None:
        """Wait for the last recording, and close the thread's connection to the database."""
        self._pool.submit(self._disconnect)
        self._pool.shutdown()


def archive(library: Library, record: Record) -> None:
    """Archive a recording; after an error the sweeper does it."""
    try:
        library.archive(record)
    except (OSError, OffhookError) as error:  # the transcript is safe
        log.warning("recording %d: cannot be archived yet: %s", record.id, Failure.of(error).code)
