"""Feeds a home: drops files into the inbox and captures calls, and records what it did."""

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from offhook.desk.recorder import CaptureClient
from shared.capture_errors import CaptureNotRunning
from stress.contents import CORRUPT, Speech
from tests.stage import Stage

DROP_EVERY_SECONDS = (0.2, 2.6)
#: Shorter than `settle_seconds`: a copy that pauses for longer counts as a whole file.
HALF_COPIED_SECONDS = (0.2, 1.5)
IDLE_SECONDS, CALL_SECONDS = (0.3, 3.0), (0.1, 6.0)
#: Some calls are so long that a part of them is final before their end.
LONG_CALL_SECONDS, LONG_CALLS = (42.0, 65.0), 0.25
#: The time after such a call in which it is completed.
COMPLETED_SECONDS = 5.0
#: With this many recordings in the queue only files that fail at once are dropped.
MOST_WAITING = 5
LONG_ONES = 0.15
#: The ways to drop a recording, and their weights.
WAYS = {"whole": 9, "half": 5, "doubled": 4, "corrupt": 3}


@dataclass(frozen=True)
class Drop:
    """A content that was dropped under one or more names."""

    names: tuple[str, ...]
    sha256: str
    speech: str | None  # None: it is no recording,
    error_code: str | None = None  # and fails with this


@dataclass
class Call:
    """A requested capture; its times are those of the monotonic clock."""

    title: str
    asked: float
    session_id: str | None = None  # None: the start was never answered
    started: float = 0.0
    stopped: float | None = None
    is_safe: bool = False  # the stop was answered
    missing_seconds: float = 0.0  # in the recording, of what was heard

    def heard_seconds(self, deaths: Sequence[float]) -> float:
        """Return its length: until the stop, or until its recorder was killed."""
        ends = [moment for moment in deaths if moment >= self.asked]
        ends += [self.stopped] if self.stopped else []
        return max(0.0, min(ends, default=self.started) - self.started)


@dataclass
class Feeder:
    """Two threads: one drops files, one captures calls. They call `announce` before critical steps."""

    stage: Stage
    speeches: Sequence[Speech]
    seed: int
    announce: Callable[[str], None]
    waiting: Callable[[], int]  # recordings in the queue that have audio
    drops: list[Drop] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    in_long_call: bool = False

    def __enter__(self) -> Feeder:
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._go_on, args=(what,)) for what in (self._drop, self._call)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop after the current drop and capture."""
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, what: Callable[[random.Random], None]) -> None:
        for number in count():
            if self._ending.is_set():
                return
            try:  # each with its own seed, so that timing changes nothing else
                what(random.Random(f"{self.seed} {what.__name__} {number}"))
            except Exception as error:  # it would end the campaign silently
                self.faults.append(f"the feeder has failed: {type(error).__name__}: {error}")

    # Drops

    def _drop(self, chance: random.Random) -> None:
        self._ending.wait(chance.uniform(*DROP_EVERY_SECONDS))
        number = len(self.drops)
        (way,) = chance.choices(list(WAYS), list(WAYS.values()))
        way = way if self.waiting() < MOST_WAITING else "corrupt"
        names = (f"{number:04} {way}.wav", *([f"{number:04} again.wav"] if way == "doubled" else []))
        speech, code = self._chosen(chance), chance.choice(list(CORRUPT))
        content = CORRUPT[code](number) if way == "corrupt" else speech.wav(number)
        for name in names:
            if way == "half":
                self._copy_by_halves(self.stage.inbox / name, content, chance)
            else:
                self._put(self.stage.inbox / name, content)
        sha256 = hashlib.sha256(content).hexdigest()
        corrupt = way == "corrupt"
        self.drops.append(Drop(names, sha256, None if corrupt else speech.name, code if corrupt else None))

    def _chosen(self, chance: random.Random) -> Speech:
        is_long = chance.random() < LONG_ONES
        return chance.choice([speech for speech in self.speeches if speech.is_long == is_long])

    def _put(self, path: Path, content: bytes) -> None:
        partial = path.with_name(f".{path.name}")
        partial.write_bytes(content)
        partial.replace(path)
        self.announce("dropped")

    def _copy_by_halves(self, path: Path, content: bytes, chance: random.Random) -> None:
        cut = chance.randrange(len(content))
        with path.open("xb", buffering=0) as file:
            file.write(content[:cut])
            self.announce("dropped")
            time.sleep(chance.uniform(*HALF_COPIED_SECONDS))
            file.write(content[cut:])
        self.announce("dropped")

    # Calls

    def _call(self, chance: random.Random) -> None:
        self._ending.wait(chance.uniform(*IDLE_SECONDS))
        is_long = chance.random() < LONG_CALLS
        length_seconds = chance.uniform(*(LONG_CALL_SECONDS if is_long else CALL_SECONDS))
        try:
            self._record(length_seconds, is_long)
            self._ending.wait(COMPLETED_SECONDS if is_long else 0.0)
        finally:
            self.in_long_call = False

    def _record(self, length_seconds: float, is_long: bool) -> None:
        with (
            contextlib.suppress(CaptureNotRunning),  # a running worker must not refuse
            CaptureClient(self.stage.home / "control.json") as capture,
        ):
            call = Call(f"Call {len(self.calls):04}", asked=time.monotonic())
            self.calls.append(call)
            call.session_id = capture.request("start_recording", title=call.title)["session_id"]
            call.started = time.monotonic()
            self.in_long_call = is_long
            self.announce("recording")
            self._ending.wait(length_seconds)
            self.announce("stopping")
            call.stopped = time.monotonic()
            capture.request("stop_recording")
            call.is_safe = True
