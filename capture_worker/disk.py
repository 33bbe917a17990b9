"""Writes the recording in its own thread, so that a slow disk does not delay the audio thread."""

from __future__ import annotations

import errno
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from capture_worker.wav import WavWriter
from shared.errors import DiskFull, OffhookError

SYNC_SECONDS = 1.0
MOST_WAITING = 4
#: A disk that takes longer for a sync is late.
SLOW_SYNC_SECONDS = 1.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DiskThread:
    """Writes audio as it comes, and syncs it to the disk every second.

    `on_late` is called, in any thread, whenever the disk is slower than the recording. It must not wait.
    """

    def __init__(
        self,
        wav: WavWriter,
        monotonic: Callable[[], float] = time.monotonic,
        on_late: Callable[[], None] = lambda: None,
    ) -> None:
        self.error: OffhookError | None = None
        self._wav, self._monotonic, self._on_late = wav, monotonic, on_late
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def seconds(self) -> float:
        """The length of the audio written so far."""
        return self._wav.seconds

    def put(self, pcm: bytes) -> None:
        """Queue whole frames for writing; never waits."""
        self._waiting.put(pcm)
        if self._waiting.qsize() > MOST_WAITING:
            self._on_late()

    def catch_up(self) -> None:
        """Wait until the queue is nearly empty."""
        while self._waiting.qsize() > MOST_WAITING and self._thread.is_alive():
            time.sleep(0.01)

    def close(self) -> None:
        """Write the queue and close the file; `error` is set if it could not all be written."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._write()
        except OSError as error:
            self.error = recording_error(error, self._wav.path)
        try:
            self._wav.close()
        except OSError as error:
            self.error = self.error or recording_error(error, self._wav.path)

    def _write(self) -> None:
        next_sync = self._monotonic() + SYNC_SECONDS
        while (pcm := self._waiting.get()) is not None:
            self._wav.write(pcm)
            if (began := self._monotonic()) >= next_sync:
                self._wav.sync()
                ended = self._monotonic()
                if ended - began > SLOW_SYNC_SECONDS:
                    self._on_late()
                next_sync = ended + SYNC_SECONDS


def recording_error(error: OSError, path: Path) -> OffhookError:
    """Convert a disk error to an error of the recording."""
    if error.errno in _FULL:
        return DiskFull("The disk is full, so the recording has stopped; the audio up to then is kept.")
    return OffhookError(f"The recording {path} cannot be written: {error.strerror or error}.")
