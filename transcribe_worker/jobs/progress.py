"""Commits of a worker while its engine decodes: lease renewals, windows, progress and speed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.errors import StoreAway, WorkerStopping
from shared.settings import RecordOptions
from shared.store.claims import Claim
from shared.store.store import Store
from shared.store.transcripts import Window
from shared.store.values import Record
from shared.words import FLAGS_OF_WORDS
from transcribe_worker.engine.messages import Decoded, Job, JobEvent, Opened, Position
from transcribe_worker.jobs.findings import Findings, together
from transcribe_worker.jobs.outlasting import outlast

log = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 4
#: A lost claim is noticed after this time, or at the next commit.
CONFIRM_SECONDS = 0.2
#: A database that is away is asked again after this time.
AWAY_SECONDS = 2.0
#: Audio that an attempt decodes before its speed is computed: a resumed one first rereads the decoded part.
SHORTEST_FOR_SPEED_SECONDS = 10.0


class Heartbeat:
    """Renews a claim's lease while the engine works, and notices a stop or a lost claim."""

    def __init__(
        self,
        store: Store,
        claim: Claim,
        lease_seconds: float,
        stopping: Callable[[], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._claim, self._lease_seconds = store, claim, lease_seconds
        self._stopping, self._monotonic = stopping, monotonic
        self._renewed = self._confirmed = monotonic()
        self._away_until = 0.0

    def __call__(self) -> None:
        """Renew or confirm the claim if that is due. Raises WorkerStopping, ClaimLost."""
        if self._stopping():
            raise WorkerStopping
        now = self._monotonic()
        if now < self._away_until:
            return
        try:
            self._keep(now)
        except StoreAway:  # the engine goes on; the next commit waits for the database
            self._away_until = self._monotonic() + AWAY_SECONDS

    def _keep(self, now: float) -> None:
        if now - self._renewed > self._lease_seconds / RENEWALS_PER_LEASE:
            self._store.claims.renew(self._claim, lease_seconds=self._lease_seconds)
            self._renewed = self._confirmed = now
        elif now - self._confirmed >= CONFIRM_SECONDS:
            self._store.claims.confirm(self._claim)
            self._confirmed = now


class Progress:
    """Commits the engine's events, and finds where an interrupted attempt continues."""

    def __init__(
        self,
        store: Store,
        claim: Claim,
        lease_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        is_to_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store, self._claim, self._lease_seconds = store, claim, lease_seconds
        self._is_to_stop = is_to_stop
        self._monotonic, self._started = monotonic, monotonic()
        self._positions = positions(store.transcripts.windows(claim.record.id))
        self._reached: dict[int | None, float] = {}  # seconds, by channel
        for position in self._positions:
            self._reach(position.channel, position.done_seconds)
        self._resumed_seconds = _mean(self._reached.values())
        self.findings = Findings()
        self._duration_seconds: float | None = claim.record.duration_seconds
        self._flags: tuple[str, ...] = ()  # of the recording
        self._noticed = tuple(flag for flag in claim.record.flags if flag in FLAGS_OF_WORDS)
        self._commits: dict[type[JobEvent], Callable[[Any], None]] = {
            Opened: self._opened,
            Decoded: self._decoded,
        }

    @property
    def noticed(self) -> tuple[str, ...]:
        """The flags of the words so far, those of earlier attempts among them."""
        return self._noticed

    def job(self, path: Path, options: RecordOptions) -> Job:
        """Return the job for the audio that is not decoded yet, in the language found before."""
        record = self._claim.record
        job = Job(path, options, self._positions, is_split=is_split(self._store, self._claim.record))
        return resumed(job, record.language, record.language_probability)

    def note(self, event: JobEvent) -> None:
        """Commit an event, or keep it until the recording is decoded. Raises ClaimLost."""
        self._commits.get(type(event), self.findings.note)(event)

    def _opened(self, event: Opened) -> None:
        self._duration_seconds = event.duration_seconds or self._duration_seconds
        self._flags = event.flags
        self._renew(duration_seconds=self._duration_seconds, flags=together(self._flags, self._noticed))

    def _decoded(self, event: Decoded) -> None:
        self._reach(event.channel, event.end_seconds)
        measured: dict[str, Any] = self._measured(_mean(self._reached.values()))
        if not set(event.flags) <= set(self._noticed):
            self._noticed = together(self._noticed, event.flags)
            measured["flags"] = together(self._flags, self._noticed)
        if not event.windows:
            self._renew(**measured)
            return
        where = (event.start_seconds, event.end_seconds)
        log.debug("recording %d: decoded from %.3f to %.3f s", self._claim.record.id, *where)
        heard = {"language": event.language, "language_probability": event.language_probability}
        windows = windows_of(event)

        def save(is_repeated: bool) -> None:
            if not is_repeated or not self._is_stored(windows[-1]):
                self._store.claims.save_windows(self._claim, windows, **heard, **measured)

        outlast(save, self._is_to_stop)
        log.debug("recording %d: kept up to %.3f s", self._claim.record.id, event.end_seconds)

    def _reach(self, channel: int | None, seconds: float) -> None:
        self._reached[channel] = seconds
        if channel is not None:  # the other side counts from the start on
            self._reached.setdefault(1 - channel, 0.0)

    def _renew(self, **columns: Any) -> None:
        def renew(_: bool) -> None:
            self._store.claims.renew(self._claim, lease_seconds=self._lease_seconds, **columns)

        outlast(renew, self._is_to_stop)

    def _is_stored(self, window: Window) -> bool:
        """Whether a commit was made that seemed to have failed."""
        stored = self._store.transcripts.windows(self._claim.record.id)
        return any((it.channel, it.end_seconds) == (window.channel, window.end_seconds) for it in stored)

    def _measured(self, seconds: float) -> dict[str, float | None]:
        """Return the decoded share, and the speed in seconds of audio a second, None while unknown."""
        heard = seconds - self._resumed_seconds
        elapsed = max(self._monotonic() - self._started, 1e-3)
        progress = min(seconds / self._duration_seconds, 0.99) if self._duration_seconds else 0.0
        speed = round(heard / elapsed, 2) if heard >= SHORTEST_FOR_SPEED_SECONDS else None
        return {"progress": round(progress, 4), "speed": speed}


def resumed(job: Job, language: str | None, probability: float | None) -> Job:
    """Return a job that goes on in the language found before; one that begins looks for it."""
    if not job.positions:
        return job
    return replace(job, language=language or "", language_probability=probability)


def positions(windows: Iterable[Window]) -> tuple[Position, ...]:
    """Return where each channel goes on: in the stretch of its last window, after that window."""
    last = {window.channel: window for window in windows}
    return tuple(Position(it.stretch_seconds, it.end_seconds, channel) for channel, it in last.items())


def windows_of(event: Decoded) -> list[Window]:
    """Return the windows of a decoded stretch, as they are committed."""
    return [
        Window(it.start_seconds, it.end_seconds, event.start_seconds, tuple(it.segments), event.channel)
        for it in event.windows
    ]


def is_split(store: Store, record: Record) -> bool:
    """Whether a recording is a call that was recorded with both sides apart."""
    if not record.is_capture:
        return False
    capture = store.captures.find(record.session_id)
    return capture is not None and capture.layout == "split"


def _mean(seconds: Collection[float]) -> float:
    return sum(seconds) / len(seconds) if seconds else 0.0
