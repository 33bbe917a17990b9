"""Files finished recordings beside the work: the engine goes on with the next one meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from archive.library import Library
from shared.errors import OffhookError
from shared.store.claims import Failure
from shared.store.values import Record

log = logging.getLogger(__name__)


class Filer:
    """Files recordings in a thread of its own; whoever hands one over is never more than one ahead."""

    def __init__(self, library: Library, disconnect: Callable[[], object]) -> None:
        self._library, self._disconnect = library, disconnect
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="filer")
        self._last: Future[None] | None = None

    def file(self, record: Record) -> None:
        """Have a recording filed, as soon as the one before is."""
        if self._last:
            self._last.result()
        self._last = self._pool.submit(file, self._library, record)

    def close(self) -> None:
        """Wait for the last one, and close the thread's connection to the database."""
        self._pool.submit(self._disconnect)
        self._pool.shutdown()


def file(library: Library, record: Record) -> None:
    """File a recording, or leave it to the sweeper."""
    try:
        library.file(record)
    except (OSError, OffhookError) as error:  # the transcript is safe
        log.warning("recording %d: cannot be filed yet: %s", record.id, Failure.of(error).code)
