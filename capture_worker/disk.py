"""Writes the recording in a thread of its own: a slow disk must not keep the audio thread waiting."""

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
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DiskThread:
    """Takes audio in, and has it on the disk about a second later."""

    def __init__(self, wav: WavWriter, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.error: OffhookError | None = None
        self._wav, self._monotonic = wav, monotonic
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def seconds(self) -> float:
        """Length of what has been written."""
        return self._wav.seconds

    def put(self, pcm: bytes) -> None:
        """Have whole frames written; never waits."""
        self._waiting.put(pcm)

    def catch_up(self) -> None:
        """Wait until little waits to be written."""
        while self._waiting.qsize() > MOST_WAITING and self._thread.is_alive():
            time.sleep(0.01)

    def close(self) -> None:
        """Write what waits, and close the file; `error` says whether all of it found room."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._write()
        except OSError as error:
            self.error = in_words(error, self._wav.path)
        try:
            self._wav.close()
        except OSError as error:
            self.error = self.error or in_words(error, self._wav.path)

    def _write(self) -> None:
        next_sync = self._monotonic() + SYNC_SECONDS
        while (pcm := self._waiting.get()) is not None:
            self._wav.write(pcm)
            if self._monotonic() >= next_sync:
                self._wav.sync()
                next_sync = self._monotonic() + SYNC_SECONDS


def in_words(error: OSError, path: Path) -> OffhookError:
    """Say what a disk error means for a recording."""
    if error.errno in _FULL:
        return DiskFull("The disk is full, so the recording has stopped; what there was room for is kept.")
    return OffhookError(f"The recording {path} cannot be written: {error.strerror or error}.")
