"""Follows one call with an engine: commits what is final, shows what is provisional, watches the call."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from shared.errors import OffhookError, StoreError, WorkerStopping
from shared.settings import RecordOptions, Settings
from shared.store.captures import RECORDING
from shared.store.live import LiveClaim, LiveWord
from shared.store.live_values import words_as_json
from shared.store.store import Store
from shared.store.values import Capture
from shared.words import Segment
from shared.workers import Liveness
from transcribe_worker.engine.messages import (
    Decoded,
    Ended,
    Hold,
    Job,
    JobEvent,
    Provisional,
)
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.jobs.findings import Findings, together
from transcribe_worker.jobs.loading import by_settings
from transcribe_worker.jobs.progress import RENEWALS_PER_LEASE, positions, resumed, windows_of
from transcribe_worker.live import labelled
from transcribe_worker.live.growth import recorded_seconds

log = logging.getLogger(__name__)

#: Time between two looks at the call, and at the process that records it and the machine.
LOOK_SECONDS, AROUND_SECONDS = 0.1, 2.0
#: Text this much later than the sound is late. It takes 2 to 4 s while the engine keeps up.
LATE_SECONDS = 8.0
#: A model that decodes less than this many seconds in a second would never be done while people talk.
LEAST_SPEED = 1.2
#: Wait before what is final is written again.
AGAIN_SECONDS = 0.5
#: Why nothing is decoded while a person has paused the queue.
PAUSED = "paused"


class RecorderGone(OffhookError):
    """The process that recorded the call is gone."""

    code = "recorder_gone"


class QueuePaused(OffhookError):
    """The call has ended while the queue is paused. The rest is decoded when it goes on."""

    code = "queue_paused"


class NotWorthwhile(OffhookError):
    """The call is not decoded while it runs."""

    code = "live_off"


class Following:
    """One attempt to follow a call, with its engine."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        claim: LiveClaim,
        call: Capture,
        trouble: Callable[[], str | None],
        stopping: Callable[[], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._store, self._claim, self._call = settings, store, claim, call
        self._trouble, self._stopping, self._monotonic = trouble, stopping, monotonic
        self._live, self._liveness = store.live, Liveness(store, settings.locks)
        self.findings = Findings()
        self._path = Path()
        self._engine: Engine | None = None
        self._looked = self._checked = self._renewed = monotonic()
        self._has_ended = False
        self._machine: str | None = None  # why nothing is to be decoded now, apart from the recorder
        self._is_held = False  # the engine rests
        # What the row says, perhaps of an engine or a worker that is gone:
        self._yields: str | None = None
        self._behind_seconds = 0.0
        self._flags: tuple[str, ...] = ()
        self._final: dict[int | None, float] = {}  # seconds, by channel
        self._heard: dict[int | None, float] = {}
        self._provisional: dict[int | None, tuple[Segment, ...]] = {}

    def job(self, path: Path, options: RecordOptions) -> Job:
        """Return the job for what is not final yet, in the language found before."""
        live = self._live.find(self._call.session_id) or self._claim.call  # an engine may have crashed
        self._yields, self._behind_seconds, self._flags = live.yields, live.behind_seconds, live.flags
        self._path = path
        begun = positions(self._live.windows(self._call.session_id))
        self._final = {it.channel: it.done_seconds for it in begun}
        self._heard = dict(self._final)
        job = Job(path, options, begun, is_split=self._call.layout == "split", is_growing=True)
        return resumed(by_settings(job, self._settings), live.language, live.language_probability)

    def follow(self, engine: Engine, job: Job) -> Findings:
        """Commit what the engine sends until the call is decoded.

        Raises ClaimLost, WorkerStopping, RecorderGone, QueuePaused, NotWorthwhile, and what the engine
        raises.
        """
        self._engine = engine
        with closing(engine.transcribe(job, self.keep)) as events:
            for event in events:
                self._note(event)
        return self.findings

    def keep(self) -> None:
        """Look after the call and the claim if that is due; the engine calls it several times a second."""
        if self._stopping():
            raise WorkerStopping
        now = self._monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        try:
            self._look_at_call(now)
            self._look_at_pace()
            if now - self._renewed > self._settings.lease_seconds / RENEWALS_PER_LEASE:
                self._renew()
        except StoreError as error:  # the engine goes on, and the next look may do better
            log.debug("a call cannot be looked at now: %s", error.code)  # the sweeper warns

    def _look_at_call(self, now: float) -> None:
        call = self._store.captures.find(self._call.session_id)
        if call is None:
            raise RecorderGone("The recording was discarded.")
        ends = call.state != RECORDING and not self._has_ended
        if ends or now - self._checked >= AROUND_SECONDS:
            self._look_around(call, now)
        if ends and self._engine:
            self._has_ended = True
            self._engine.say(Ended())
        self._hold(None if self._has_ended else call.strain or self._machine)

    def _look_around(self, call: Capture, now: float) -> None:
        paused = self._store.controls.paused()
        if paused and call.state != RECORDING:
            raise QueuePaused
        self._checked, self._machine = now, PAUSED if paused else self._trouble()
        if call.state == RECORDING and self._liveness.has_ended(call.worker_id, call.host):
            raise RecorderGone

    def _hold(self, why: str | None) -> None:
        """Let the engine rest for a reason, or go on."""
        if self._engine is None:
            return
        if bool(why) != self._is_held:
            self._engine.say(Hold(bool(why)))
            self._is_held = bool(why)
        if why != self._yields:
            self._renew(yields=why)
            self._yields = why

    def _look_at_pace(self) -> None:
        """Note how late the text is, as soon as that changes by a second."""
        late = recorded_seconds(self._path, self._call.layout) - min(self._heard.values(), default=0.0)
        behind = late if late > LATE_SECONDS else 0.0
        if abs(behind - self._behind_seconds) >= 1.0 or bool(behind) != bool(self._behind_seconds):
            self._behind_seconds = round(behind, 1)
            self._renew(behind_seconds=self._behind_seconds)

    def _note(self, event: JobEvent) -> None:
        if isinstance(event, Decoded):
            self._decoded(event)
        elif isinstance(event, Provisional):
            self._shown(event)
        else:
            self.findings.note(event)

    def _decoded(self, event: Decoded) -> None:
        """Commit a stretch. What was provisional in it is gone."""
        self._final[event.channel] = event.end_seconds
        self._flags = together(self._flags, event.flags)
        self._reach(event.channel, event.end_seconds)
        left = self._provisional.get(event.channel, ())
        self._provisional[event.channel] = tuple(it for it in left if it.start_ms >= event.end_seconds * 1000)
        self._commit(lambda: self._save(event))
        self._check_speed(event.speed)

    def _save(self, event: Decoded) -> None:
        windows = windows_of(event)
        self._live.save_windows(
            self._claim,
            windows,
            [self._words(window.segments, is_final=True) for window in windows],
            provisional=words_as_json(self._not_final()),
            final_seconds=min(self._final.values()),
            heard_seconds=min(self._heard.values()),
            flags=self._flags,
            language=event.language or None,
            language_probability=event.language_probability,
            speed=event.speed,
        )

    def _shown(self, event: Provisional) -> None:
        self._reach(event.channel, event.end_seconds)
        self._provisional[event.channel] = event.segments
        heard = {"heard_seconds": min(self._heard.values()), "speed": event.speed}
        with suppress(StoreError):  # the next text comes soon
            self._live.note(self._claim, self._not_final(), **heard)
        self._check_speed(event.speed)

    def _commit(self, write: Callable[[], None]) -> None:
        """Write what is final; while the database cannot be written, the engine waits. Raises ClaimLost."""
        while True:
            try:
                return write()
            except StoreError as error:
                log.debug("what is final is written later: %s", error.code)
            if self._stopping():
                raise WorkerStopping
            time.sleep(AGAIN_SECONDS)

    def _not_final(self) -> list[LiveWord]:
        """Return the provisional words of all channels by time."""
        found = [it for text in self._provisional.values() for it in self._words(text, is_final=False)]
        return sorted(found, key=lambda it: it.start_ms)

    def _words(self, segments: Sequence[Segment], *, is_final: bool) -> list[LiveWord]:
        texts = labelled.words(self._store, self._call.session_id, segments, is_final=is_final)
        return [word for text in texts for word in text]

    def _reach(self, channel: int | None, seconds: float) -> None:
        self._heard[channel] = max(seconds, self._heard.get(channel, 0.0))
        if channel is not None:  # the other side counts from the start on
            for reached in (self._heard, self._final):
                reached.setdefault(channel, 0.0)
                reached.setdefault(1 - channel, 0.0)

    def _check_speed(self, speed: float | None) -> None:
        if speed is not None and speed < LEAST_SPEED:
            raise NotWorthwhile(
                f"The model decodes {speed:.2g} s of speech in a second here; {LEAST_SPEED:g} are needed. "
                "Choose a smaller model, or raise live_cpu_share."
            )

    def _renew(self, **columns: Any) -> None:
        self._live.renew(self._claim, lease_seconds=self._settings.lease_seconds, **columns)
        self._renewed = self._monotonic()
