"""Whether the desk can work: its database and its storage answer, and soon.

A share that is away can block whoever looks at it for minutes. So each is asked in a daemon thread of its
own, and one question at a time: a thread that hangs is not asked again until it has answered.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue
from tempfile import NamedTemporaryFile

from archive.storage.errors import StorageAway
from archive.storage.keys import PROBE_KEY
from archive.storage.storage import Storage, storage_of
from offhook.desk.desk import Desk
from shared.logs import discreet

log = logging.getLogger(__name__)

ANSWER_SECONDS = 1.0
#: An answer is good for this time, however often it is asked for.
KEPT_SECONDS = 1.0


@dataclass(frozen=True)
class State:
    """Which parts answer."""

    parts: dict[str, bool]

    @property
    def is_well(self) -> bool:
        """Whether all of them do."""
        return all(self.parts.values())


class Probe:
    """One part of the desk, and the thread that asks it."""

    def __init__(self, name: str, ask: Callable[[], object]) -> None:
        self._name, self._ask = name, ask
        self._questions: SimpleQueue[Future[bool]] = SimpleQueue()
        self._pending: Future[bool] | None = None
        self._was_well = True

    def begin(self) -> Future[bool]:
        """Ask, unless an earlier question has no answer yet; return what gets the answer."""
        if self._pending is None:
            threading.Thread(target=self._run, name=f"health-{self._name}", daemon=True).start()
        if self._pending is None or self._pending.done():
            self._pending = Future()
            self._questions.put(self._pending)
        return self._pending

    def note(self, is_well: bool) -> bool:
        """Log a change for the better or worse, once; return whether all is well."""
        if is_well != self._was_well:
            self._was_well = is_well
            state = "answers again" if is_well else "does not answer"
            log.log(logging.INFO if is_well else logging.WARNING, "health: the %s %s", self._name, state)
        return is_well

    def _run(self) -> None:
        while True:
            answer = self._questions.get()
            try:
                self._ask()
            except Exception as error:  # whatever it is, the part cannot be used
                log.debug("health: %s: %s", self._name, discreet(error))
                answer.set_result(False)
            else:
                answer.set_result(True)


@dataclass
class Health:
    """The health of one desk; its threads start with the first question."""

    probes: dict[str, Probe]
    monotonic: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _last: tuple[State, float] | None = None

    @classmethod
    def of(cls, desk: Desk) -> Health:
        """Return the health of a desk."""
        asked: dict[str, Callable[[], object]] = {
            "database": desk.store.controls.paused,
            "storage": lambda: _look_at_storage(desk),
        }
        return cls({name: Probe(name, ask) for name, ask in asked.items()})

    def state(self) -> State:
        """Return which parts answer within a second; it takes no longer. Call it in a thread."""
        with self._lock:
            if self._last and self.monotonic() - self._last[1] < KEPT_SECONDS:
                return self._last[0]
            answers = {name: probe.begin() for name, probe in self.probes.items()}
            wait(answers.values(), ANSWER_SECONDS)
            parts = {
                name: self.probes[name].note(answer.done() and answer.result())
                for name, answer in answers.items()
            }
            self._last = State(parts), self.monotonic()
            return self._last[0]


def _look_at_storage(desk: Desk) -> None:
    for folder in (desk.settings.inbox, desk.settings.library):
        with os.scandir(folder):
            pass
    storage = storage_of(desk.settings)
    try:
        storage.exists(PROBE_KEY)
    except StorageAway:
        if desk.store.figures.has_stored():
            raise
        _begin(storage, desk)  # a shared folder that is new has no mark before something is put there


def _begin(storage: Storage, desk: Desk) -> None:
    with NamedTemporaryFile(dir=desk.settings.home, prefix=".health-") as file:
        storage.put(PROBE_KEY, Path(file.name), sha256().hexdigest())
