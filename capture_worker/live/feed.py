"""Sends the words of a call to those who listen, while it is recorded and until its last word is final.

A thread of its own reads the database. It shares no lock with the threads that record, and asks the database
nothing while nobody listens.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection

from capture_worker.live.words import CallWords, Event, Heard
from shared.errors import StoreError
from shared.logs import discreet
from shared.store.live import ENDED, OFF, LiveCall
from shared.store.store import Store

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 1.0
#: After the end of a recording, for so long nothing may change before no more words are waited for.
SILENCE_SECONDS = 60.0
CLOSE_SECONDS = 2.0
#: Takes an event, in the thread of the feed; must not wait.
Listener = Callable[[Event], None]
Listeners = Callable[[], Collection[Listener]]
_NOTHING_HEARD = Heard()


class WordsFeed:
    """The words of one recording. The last event of each listener says that it is the last."""

    def __init__(self, store: Store, session_id: str, listeners: Listeners) -> None:
        self.session_id = session_id
        self._store, self._listeners = store, listeners
        self._words = CallWords(store, session_id)
        self._recording_ended, self._closing = threading.Event(), threading.Event()
        self._heard: dict[Listener, Heard] = {}
        self._call: LiveCall | None = None  # as it was when it was seen last
        self._is_there = False
        self._changed_seconds = time.monotonic()
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name="words", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def runs(self) -> bool:
        """Whether more words may come."""
        return self._thread.is_alive()

    def end_recording(self) -> None:
        """Note that the recording has ended: the feed ends when the rest is final."""
        self._changed_seconds = time.monotonic()
        self._recording_ended.set()

    def close(self) -> None:
        """End now."""
        self._closing.set()
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSE_SECONDS)  # a listener may hang

    def _run(self) -> None:
        try:
            with self._store.busy_timeout(PATIENCE_SECONDS):
                while not (self._has_ended() or self._closing.wait(LOOK_SECONDS)):
                    pass
        finally:
            self._store.disconnect()

    def _has_ended(self) -> bool:
        """Look once; return whether nothing more comes."""
        try:
            return self._look()
        except StoreError as error:
            if not self._has_failed:
                log.warning("the words of a running call cannot be read: %s", discreet(error))
        except Exception:  # those who listen wait for the last event
            if not self._has_failed:
                log.exception("the words of a running call cannot be sent")
        self._has_failed = True
        if not (self._recording_ended.is_set() and self._is_still()):
            return False
        for listener in self._listeners():
            for event in self._words.no_more(self._call):
                listener(event)
        return True

    def _look(self) -> bool:
        recording_ended = self._recording_ended.is_set()  # first: what is read afterwards is no older
        listeners = self._listeners()
        self._heard = {it: self._heard.get(it, _NOTHING_HEARD) for it in listeners}
        if not listeners:
            return recording_ended and self._is_still()
        self._find()
        is_last = recording_ended and self._is_over()
        for listener in listeners:
            self._send(listener, is_last=is_last)
        return is_last

    def _find(self) -> None:
        """Read the live call, if it has changed."""
        revision = self._store.live.revision(self.session_id)
        if self._is_there and self._call and revision == self._call.revision:
            return
        found = self._store.live.find(self.session_id) if revision is not None else None
        if found or self._is_there:
            self._changed_seconds = time.monotonic()
        self._is_there, self._call = found is not None, found or self._call

    def _is_over(self) -> bool:
        """Whether there are no more words once the recording has ended."""
        if self._call is None:
            return True
        if self._is_there:
            return self._call.state in (ENDED, OFF) or self._is_still()
        return not self._words.are_being_finished() or self._is_still()

    def _is_still(self) -> bool:
        return time.monotonic() - self._changed_seconds > SILENCE_SECONDS

    def _send(self, listener: Listener, *, is_last: bool) -> None:
        heard = self._heard[listener]
        events: list[Event] = []
        if self._is_there and self._call:
            if is_last or heard.revision != self._call.revision:
                events, self._heard[listener] = self._words.since(self._call, heard, is_last=is_last)
        elif is_last:
            events = self._words.rest(self._call, heard)
        for event in events:
            listener(event)


class WordsFeeds:
    """The feeds of one session: of the running recording, and of one whose rest is being decoded."""

    def __init__(self, store: Store, listeners: Listeners) -> None:
        self._store, self._listeners = store, listeners
        self._feeds: list[WordsFeed] = []

    def begin(self, session_id: str) -> None:
        """Start the feed of a recording that has begun."""
        self._feeds = [feed for feed in self._feeds if feed.runs]
        self._feeds.append(WordsFeed(self._store, session_id, self._listeners))
        self._feeds[-1].start()

    def end_recording(self, session_id: str) -> None:
        """Note that a recording has ended."""
        for feed in self._feeds:
            if feed.session_id == session_id:
                feed.end_recording()

    def close(self) -> None:
        """End all feeds now."""
        for feed in self._feeds:
            feed.close()
