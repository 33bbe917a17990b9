"""One conversation with the capture worker for all who watch the recorder, while anybody watches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from offhook.desk.desk import Desk
from offhook.desk.recorder import CaptureClient
from offhook.desk.recorder_view import view_of, view_without_worker
from shared.errors import OffhookError, in_words
from shared.logs import discreet

log = logging.getLogger(__name__)

#: How long after a failed try the capture worker is tried again.
RETRY_SECONDS = 1.0
STATE, LEVELS, END = "state", "levels", "end"
#: Takes the kind of an event (`state`, `levels`, `end`) and its data, in any thread; must not wait.
Deliver = Callable[[str, dict[str, Any]], None]


class RecorderHub:
    """Sends the recorder's states, and its levels ten times a second, to everybody who has joined.

    A thread listens to the capture worker from the first `join` to the last `leave`. It connects again when
    the worker was restarted. Any thread may call this.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._watchers: list[Deliver] = []
        self._watch: _Watch | None = None

    def join(self, deliver: Deliver) -> None:
        """Send the present state as soon as it is known, then all that happens."""
        with self._lock:
            self._watchers.append(deliver)
            if self._watch is None:
                self._watch = _Watch(self._desk, self._tell)
            elif self._watch.view:
                deliver(STATE, self._watch.view)

    def leave(self, deliver: Deliver) -> None:
        """Send nothing more."""
        with self._lock:
            self._watchers.remove(deliver)
            if self._watch and not self._watchers:
                self._watch.end()
                self._watch = None

    def stop(self) -> None:
        """Tell everybody that nothing more comes."""
        with self._lock:
            for deliver in self._watchers:
                deliver(END, {})

    def _tell(self, watch: _Watch, kind: str, data: dict[str, Any]) -> None:
        with self._lock:
            if watch is not self._watch:
                return
            if kind == STATE:
                watch.view = data
            for deliver in self._watchers:
                deliver(kind, data)


class _Watch:
    """A thread that listens to the capture worker until `end`."""

    def __init__(self, desk: Desk, tell: Callable[[_Watch, str, dict[str, Any]], None]) -> None:
        self.view: dict[str, Any] | None = None
        self._desk, self._tell = desk, tell
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._client: CaptureClient | None = None
        threading.Thread(target=self._run, name="recorder", daemon=True).start()

    def end(self) -> None:
        """Stop listening, soon."""
        self._ending.set()
        with self._lock:
            if self._client:
                self._client.hang_up()

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                try:
                    self._listen()
                except OffhookError as error:
                    log.debug("the recorder cannot be watched now: %s", discreet(error))
                    self._wait(error)
                except Exception as error:  # it is tried again: those who watch must not wait for nothing
                    log.exception("the recorder cannot be watched now")
                    self._wait(OffhookError(f"The recorder cannot be watched now: {in_words(error)}."))
        finally:
            self._desk.store.disconnect()

    def _wait(self, error: OffhookError) -> None:
        self._say(view_without_worker(self._desk, error))
        self._ending.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        """Tell what happens until the worker ends. Raises CaptureNotRunning, CaptureSilent, Refused."""
        with CaptureClient(self._desk.settings.control) as client:
            with self._lock:
                self._client = client
            if self._ending.is_set():  # `end` has not seen this client
                return
            client.request("subscribe_levels")
            self._say_state(client)
            for event in client.events():
                if event["type"] == "level":
                    self._tell(self, LEVELS, event)
                else:  # a warning may be about a device, which no event of its own tells
                    self._say_state(client)

    def _say_state(self, client: CaptureClient) -> None:
        self._say(view_of(self._desk, client.request("get_recording_state")))

    def _say(self, view: dict[str, Any]) -> None:
        if view != self.view:
            self._tell(self, STATE, view)
