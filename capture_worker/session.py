"""One recording at a time: idle -> recording -> stopped -> idle.

A stop hands the recording over, and the session is idle again. With `finalise = "manual"` it stays
stopped, also after a restart, until a person attaches or discards the recording.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from capture_worker import audio
from capture_worker.active_recording import ActiveRecording
from capture_worker.announcer import Announcer, Event
from capture_worker.call_facts import facts_of
from capture_worker.capture import DualStreamCapture
from capture_worker.devices import check_devices
from capture_worker.handover.notes import Notes
from capture_worker.handover.unfinished import UnfinishedRecordings
from capture_worker.inputs import OpenSystem
from capture_worker.last_recording import LastRecording
from capture_worker.live.feed import Listeners, WordsFeeds
from capture_worker.live.state import LiveState
from capture_worker.notices import notices_at_start
from capture_worker.output_path import new_file
from capture_worker.pending_recordings import PendingRecordings
from capture_worker.plan import Plan
from shared import home, titles
from shared.capture_errors import AlreadyRecording, NotRecording, RecordingWaits, UnknownSession
from shared.errors import OffhookError, StateConflict
from shared.logs import discreet
from shared.settings import Settings
from shared.settings_sources import load
from shared.store.store import Store
from shared.store.values import Capture
from shared.workers import Presence

log = logging.getLogger(__name__)

IDLE, RECORDING, STOPPED = "idle", "recording", "stopped"


class RecordingSession:
    """The recording of calls in one home; any thread may call it.

    Without arguments it takes the settings of its environment. `on_event` gets the events of the capture
    protocol (levels, states, warnings, words) in the thread where they arise, and must not wait. With
    `words_listeners` the words go to whoever that returns, instead.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        store: Store | None = None,
        presence: Presence | None = None,
        on_event: Callable[[Event], None] | None = None,
        words_listeners: Listeners | None = None,
        open_system: OpenSystem = audio.open_system,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings or load(os.environ)
        home.make_folders(self.settings)
        self._undo = contextlib.ExitStack()
        self._closed = False
        self._store = store or self._opened_store()
        if presence is None:
            presence = Presence(self._store, self.settings.locks, "capture").enter()
            self._undo.callback(presence.leave)
        self._worker_id = presence.worker_id
        self._announcer, self._open_system, self._clock = Announcer(on_event or _ignore), open_system, clock
        self._captures = self._store.captures
        self._unfinished = UnfinishedRecordings(self.settings, self._store, self._worker_id)
        self._lock = threading.RLock()
        self._active: ActiveRecording | None = None
        self._pending = PendingRecordings(self._captures, self._unfinished, self._worker_id)
        self._last = LastRecording(self._store)
        self._live = LiveState(self._store, self.settings)
        own = [self._announcer.send] if on_event else []
        self._words = WordsFeeds(self._store, words_listeners or (lambda: own))
        atexit.register(self.close)  # a program may end without closing its session
        try:
            self.hand_over_leftovers()
        except (OSError, OffhookError) as error:
            log.warning("leftover recordings cannot be handed over now: %s", discreet(error))

    def __enter__(self) -> RecordingSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish the running recording, and close the session for good."""
        atexit.unregister(self.close)
        with self._lock:
            self._closed = True
        try:
            with contextlib.suppress(NotRecording):
                self.stop()
        finally:
            self._words.close()
            self._undo.close()

    @property
    def state(self) -> str:
        """`idle`, `recording`, or `stopped` while a recording waits for a person."""
        return _state(self._active, self._pending.waiting)

    def start(
        self,
        output_path: str | Path | None = None,
        candidate_id: str | None = None,
        project_id: str | None = None,
        title: str | None = None,
        live: bool | None = None,
        **devices: str | None,
    ) -> dict[str, Any]:
        """Start to record; return the state. The finished WAV goes to `output_path`, or into the inbox.

        `live`, `microphone`, `loopback` and `layout` stand in for the settings of these names in this
        recording. Raises AlreadyRecording, RecordingWaits, NoDevice, AudioUnavailable, BadOutputPath,
        BadRequest.
        """
        with self._lock:
            self._require_idle()
            plan = Plan.of(self.settings).changed(**devices)
            now, session_id = self._clock(), str(uuid.uuid4())
            path = self._final_path(output_path, session_id, now)
            about = (plan.layout, self._worker_id, now, candidate_id, project_id)
            call = Capture(
                session_id, RECORDING, title or titles.of_moment(now), str(path), *about, live=live
            )
            self._announcer.warnings.clear()
            active = self._new_recording(call, plan)
            active.start()
            self._active = active
            self._words.begin(session_id)
        notices_at_start(self._announcer.warn, self.settings)
        self._announce_state()
        return self._described()

    def stop(self, session_id: str | None = None) -> dict[str, Any]:
        """Stop the running recording, or only the named one; return its outcome. Raises NotRecording."""
        with self._lock:
            active = self._active
            if active is None or session_id not in (None, active.call.session_id):
                raise NotRecording(self._last.unplanned_end())
        active.stop()
        return active.outcome

    def attach(
        self, candidate_id: str | None = None, project_id: str | None = None, session_id: str | None = None
    ) -> dict[str, Any]:
        """Set the candidate and project of a call; one that waits is handed over.

        Without `session_id` it is the running or waiting recording, else the last one. Raises UnknownSession.
        """
        with self._lock:
            chosen = session_id or self._current_id() or self._last.session_id
            if chosen is None:
                raise UnknownSession("There is no recording to attach. Give its session id.")
            running = self._active if self._active and self._active.call.session_id == chosen else None
            found = running or self._pending.late(chosen)
            if found:
                found.attach(candidate_id, project_id)
            with contextlib.suppress(*[UnknownSession] if found else []):
                self._captures.attach(chosen, candidate_id, project_id)
            if self._pending.waiting and self._pending.waiting.session_id == chosen:
                self._pending.hand_over_waiting()
                self._last.try_to_refresh()
                self._announce_state()
        record = self._store.records.of_session(chosen)
        return {"session_id": chosen, "record_id": record.id if record else None}

    def discard(self, session_id: str | None = None) -> dict[str, Any]:
        """Delete the running or waiting recording, or the named one. Raises NotRecording, StateConflict."""
        with self._lock:
            active, current = self._active, self._current_id()
            if current is None or session_id not in (None, current):
                raise NotRecording("There is no recording to discard.")
            if active is None:
                self._pending.delete_waiting()
                self._last.replace(None)
                self._announce_state()
        if active:
            active.discard()
            if record_id := active.outcome.get("record_id"):
                raise StateConflict(
                    f"It has just become recording {record_id}. Delete that: offhook delete {record_id}"
                )
            self._last.replace(None)
        return {"session_id": current, "discarded": True}

    def get_state(self) -> dict[str, Any]:
        """Return the running or waiting recording, its warnings, and the outcome of the last recording."""
        self._last.try_to_refresh()
        return self._described()

    def check_devices(self) -> dict[str, Any]:
        """List the devices of this machine and those that would be recorded, or say why there are none."""
        return check_devices(Plan.of(self.settings).wanted, self._open_system, apart=sys.platform != "linux")

    def hand_over_leftovers(self) -> None:
        """Hand over recordings left by a killed recorder, a full disk or a busy database; find a waiting one.

        Raises OSError, OffhookError; can be repeated.
        """
        with self._lock:
            before = self._current_id()
            recovered = self._pending.hand_over_leftovers(
                running=self._active.call.session_id if self._active else None,
                manual=self.settings.finalise == "manual",
            )
            if self._last.recover(recovered) or self._last.try_to_refresh() or self._current_id() != before:
                self._announce_state()

    def _opened_store(self) -> Store:
        store = Store.of_home(self.settings)
        self._undo.callback(store.disconnect)
        return store

    def _current_id(self) -> str | None:
        if self._active:
            return self._active.call.session_id
        return self._pending.waiting.session_id if self._pending.waiting else None

    def _require_idle(self) -> None:
        if self._closed:
            raise NotRecording("This session is closed.")
        if self._active:
            raise AlreadyRecording
        if self._pending.waiting:
            raise RecordingWaits

    def _final_path(self, output_path: str | Path | None, session_id: str, started_at: float) -> Path:
        inbox = self._unfinished.inbox_path(session_id, started_at)
        return new_file(output_path, self.settings.home) if output_path else inbox

    def _new_recording(self, call: Capture, plan: Plan) -> ActiveRecording:
        capture = DualStreamCapture(
            self._unfinished.part(call.session_id),
            plan,
            on_level=self._announcer.levels,
            on_warning=self._announcer.warn,
            open_system=self._open_system,
        )
        return ActiveRecording(
            capture,
            store=self._store,
            unfinished=self._unfinished,
            notes=Notes(self._captures, call),
            waits=self.settings.finalise == "manual",
            warn=self._announcer.warn,
            on_end=self._end,
        )

    def _end(self, ended: ActiveRecording) -> None:
        """Note that a recording has ended."""
        with self._lock:
            self._last.replace(ended.outcome)
            self._active = None
            self._pending.add(ended)
        self._announce_state()
        self._words.end_recording(ended.call.session_id)

    def _described(self) -> dict[str, Any]:
        active, waiting, last = self._active, self._pending.waiting, self._last
        call = active.call if active else waiting
        live = self._live.of(call.session_id if call else last.session_id, active.call if active else None)
        return {
            "state": _state(active, waiting),
            **facts_of(call, active.capture if active else None),
            "warnings": list(self._announcer.warnings),
            "last": last.outcome,
            "live": live,
        }

    def _announce_state(self) -> None:
        self._announcer.state(self._described())


def _state(active: ActiveRecording | None, waiting: Capture | None) -> str:
    return RECORDING if active else STOPPED if waiting else IDLE


def _ignore(event: Event) -> None:
    """Ignore an event: nobody listens."""
