"""One recording at a time: idle -> recording -> stopped -> idle.

A stop hands the recording over at once, and the session is idle again. With `finalise = "manual"` it stays
stopped until somebody attaches or discards the recording, over a restart too.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from capture_worker import audio
from capture_worker.active_recording import ActiveRecording
from capture_worker.announcer import Announcer, Event
from capture_worker.audio.source import SIDES
from capture_worker.capture import DualStreamCapture, Plan
from capture_worker.devices import check_devices
from capture_worker.handover.notes import Call, Notes
from capture_worker.handover.unfinished import UnfinishedRecordings
from capture_worker.inputs import OpenSystem
from capture_worker.notices import notice
from capture_worker.output_path import new_file
from capture_worker.pending_recordings import PendingRecordings
from shared import home
from shared.errors import (
    AlreadyRecording,
    NotRecording,
    OffhookError,
    RecordingWaits,
    StateConflict,
    UnknownSession,
)
from shared.logs import discreet
from shared.settings import Settings, load
from shared.store.store import Store
from shared.times import iso
from shared.workers import Presence

log = logging.getLogger(__name__)

IDLE, RECORDING, STOPPED = "idle", "recording", "stopped"
LITTLE_DISK_BYTES = 500_000_000


class RecordingSession:
    """The recording of calls in one home; any thread may call it.

    Without arguments it takes the settings of its environment. `on_event` gets levels, states and warnings as
    the capture protocol has them, in whatever thread they arise, and must not wait.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        store: Store | None = None,
        presence: Presence | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        open_system: OpenSystem = audio.open_system,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings or load(os.environ)
        home.make_folders(self.settings)
        self._undo = contextlib.ExitStack()
        self._closed = False
        self._store = store or self._opened_store()
        presence = presence or self._entered(Presence(self._store, self.settings.locks, "capture"))
        self._worker_id = presence.worker_id
        self._announcer, self._open_system, self._clock = Announcer(on_event), open_system, clock
        self._captures = self._store.captures
        self._filing = UnfinishedRecordings(self.settings, self._store, self._worker_id)
        self._lock = threading.RLock()
        self._take: ActiveRecording | None = None
        self._shelf = PendingRecordings(self._captures, self._filing, self._worker_id)
        self._last: dict[str, Any] | None = None
        atexit.register(self.close)  # whoever forgets to must not leave a recording behind
        try:
            self.settle()
        except (OSError, OffhookError) as error:
            log.warning("what is left over cannot be handed over now: %s", discreet(error))

    def __enter__(self) -> RecordingSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish the recording that runs, and leave; nothing can be recorded any more."""
        atexit.unregister(self.close)
        with self._lock:
            self._closed = True
        try:
            with contextlib.suppress(NotRecording):
                self.stop()
        finally:
            self._undo.close()

    def start(
        self,
        output_path: str | Path | None = None,
        candidate_id: str | None = None,
        project_id: str | None = None,
        title: str | None = None,
    ) -> dict[str, Any]:
        """Record from now on; return the state. The finished WAV goes to `output_path`, or into the inbox.

        Raises AlreadyRecording, RecordingWaits, NoDevice, AudioUnavailable, BadOutputPath, OSError.
        """
        with self._lock:
            self._require_idle()
            now, session_id = self._clock(), str(uuid.uuid4())
            place = self._place(output_path, session_id, now)
            title = title or f"Call {datetime.fromtimestamp(now):%Y-%m-%d %H:%M}"
            call = Call(session_id, title, place, now, self.settings.layout, candidate_id, project_id)
            self._announcer.warnings.clear()
            take = self._new_take(call)
            take.start()
            self._take = take
        self._say_what_to_mind()
        self._say_state()
        return self.get_state()

    def stop(self) -> dict[str, Any]:
        """Stop, and hand the recording over or let it wait; return what became of it. Raises NotRecording."""
        with self._lock:
            take = self._take
            if take is None:
                raise NotRecording(self._how_the_last_one_ended())
        take.stop()
        return take.outcome

    def attach(
        self, candidate_id: str | None = None, project_id: str | None = None, session_id: str | None = None
    ) -> dict[str, Any]:
        """Say whom a call is with and what it is about; one that waits is handed over.

        Without `session_id` it is the recording that runs or waits, else the last one. Raises UnknownSession.
        """
        with self._lock:
            chosen = session_id or self._current_id() or (self._last or {}).get("session_id")
            if chosen is None:
                raise UnknownSession("There is no recording to attach. Give its session id.")
            running = self._take.call if self._take and self._take.call.session_id == chosen else None
            unnoted = running or self._shelf.unnoted(chosen)
            if unnoted:
                unnoted.attach(candidate_id, project_id)
            with contextlib.suppress(*[UnknownSession] if unnoted else []):
                self._captures.attach(chosen, candidate_id, project_id)
            if self._shelf.stopped and self._shelf.stopped.session_id == chosen:
                self._shelf.release()
                self._say_state()
        record = self._store.records.of_session(chosen)
        return {"session_id": chosen, "record_id": record.id if record else None}

    def discard(self) -> dict[str, Any]:
        """Delete the recording that runs or waits. Raises NotRecording."""
        with self._lock:
            take, session_id = self._take, self._current_id()
            if session_id is None:
                raise NotRecording("There is no recording to discard.")
            if take is None:
                self._shelf.drop()
                self._say_state()
        if take:
            take.discard()
            if record_id := take.outcome.get("record_id"):
                raise StateConflict(
                    f"It has just become recording {record_id}. Delete that: offhook delete {record_id}"
                )
            self._last = None
        return {"session_id": session_id, "discarded": True}

    def get_state(self) -> dict[str, Any]:
        """What is being recorded or waits, for how long, and what there is to know of it."""
        take, stopped = self._take, self._shelf.stopped
        call = take.call if take else stopped
        length = take.capture.seconds if take else stopped.duration_seconds if stopped else 0.0
        devices = take.capture.device_names() if take else dict.fromkeys(SIDES)
        return {
            "state": RECORDING if take else STOPPED if stopped else IDLE,
            "session_id": call.session_id if call else None,
            "title": call.title if call else None,
            "candidate_id": call.candidate_id if call else None,
            "project_id": call.project_id if call else None,
            "started_at": iso(call.started_at) if call else None,
            "duration_seconds": round(length, 2),
            **devices,
            "warnings": list(self._announcer.warnings),
            "last": self._last,
        }

    def check_devices(self) -> dict[str, Any]:
        """List the devices of this machine and those that would be recorded, or say why there are none."""
        return check_devices(self._plan().wanted, self._open_system, apart=sys.platform != "linux")

    def settle(self) -> None:
        """Hand over what a dead recorder, a full disk or a busy database has left; find again what waits."""

        with self._lock:
            before = self._current_id()
            self._shelf.settle(
                running=self._take.call.session_id if self._take else None,
                manual=self.settings.finalise == "manual",
            )
            if self._current_id() != before:
                self._say_state()

    def _opened_store(self) -> Store:
        store = Store.of_home(self.settings)
        self._undo.callback(store.disconnect)
        return store

    def _entered(self, presence: Presence) -> Presence:
        self._undo.callback(presence.leave)
        return presence.enter()

    def _current_id(self) -> str | None:
        if self._take:
            return self._take.call.session_id
        return self._shelf.stopped.session_id if self._shelf.stopped else None

    def _require_idle(self) -> None:
        if self._closed:
            raise NotRecording("This session is closed, and records no more.")
        if self._take:
            raise AlreadyRecording
        if self._shelf.stopped:
            raise RecordingWaits

    def _place(self, output_path: str | Path | None, session_id: str, started_at: float) -> Path:
        if output_path:
            return new_file(output_path, self.settings.home)
        return self._filing.place(session_id, started_at)

    def _new_take(self, call: Call) -> ActiveRecording:
        capture = DualStreamCapture(
            self._filing.part(call.session_id),
            self._plan(),
            on_level=self._announcer.levels,
            on_warning=self._announcer.warn,
            open_system=self._open_system,
        )
        return ActiveRecording(
            call,
            capture,
            store=self._store,
            filing=self._filing,
            notes=Notes(self._captures, call, self._worker_id),
            waits=self.settings.finalise == "manual",
            warn=self._announcer.warn,
            on_end=self._end,
        )

    def _plan(self) -> Plan:
        settings = self.settings
        return Plan(
            microphone=settings.microphone,
            loopback=settings.loopback,
            layout=settings.layout,
            longest_seconds=settings.longest_recording_minutes * 60,
            silence_seconds=settings.stop_after_silence_minutes * 60,
            silence_dbfs=settings.silence_dbfs,
        )

    def _end(self, take: ActiveRecording) -> None:
        """A recording is over, whoever ended it."""
        with self._lock:
            self._last, self._take = take.outcome, None
            self._shelf.put(take)
        self._say_state()

    def _how_the_last_one_ended(self) -> str | None:
        last = self._last or {}
        if last.get("reason") in (None, "asked"):
            return None
        why = (last["error"] or last["reason"]).rstrip(".")
        return f"No recording is running. The last one ended by itself: {why}."

    def _say_what_to_mind(self) -> None:
        warn = self._announcer.warn
        with contextlib.suppress(OSError):
            if shutil.disk_usage(self.settings.recording).free < LITTLE_DISK_BYTES:
                notice(warn, "disk_low")
        if self.settings.consent_reminder:
            notice(warn, "consent", reminder=self.settings.consent_reminder)

    def _say_state(self) -> None:
        self._announcer.state(self.get_state())
