"""What a worker says of a recording that grows while it is decoded: it has ended, or has to wait."""

from __future__ import annotations

import threading

from transcribe_worker.engine.messages import Ended, Hold

LOOK_SECONDS = 0.1


class Growth:
    """The growth of the recording of one job. Any thread may ask; one thread notes what the worker says."""

    def __init__(self) -> None:
        self._ended, self._free = threading.Event(), threading.Event()
        self.begin()

    @property
    def has_ended(self) -> bool:
        """Whether the recording grows no more."""
        return self._ended.is_set()

    @property
    def is_held(self) -> bool:
        """Whether it must not be worked on now."""
        return not self._free.is_set()

    def begin(self) -> None:
        """Forget an earlier job."""
        self._ended.clear()
        self._free.set()

    def note(self, said: Ended | Hold) -> None:
        """Take note of a command."""
        if isinstance(said, Ended):
            self._ended.set()
        elif said.is_on:
            self._free.clear()
        else:
            self._free.set()

    def rest(self) -> None:
        """Wait a moment for more to read, or for the end."""
        self._ended.wait(LOOK_SECONDS)

    def wait_while_held(self) -> None:
        """Wait a moment for the leave to go on."""
        self._free.wait(LOOK_SECONDS)
