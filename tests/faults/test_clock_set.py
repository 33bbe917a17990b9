"""A wall clock that is set by a day while offhook runs: nothing is repeated or stuck."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import looks
from tests.conftest import skip_or_fail
from tests.faults.whole_homes import (
    CAPTURE,
    INBOX,
    WORKER,
    archived,
    done,
    running,
)
from tests.stage import Stage, engine_of
from tests.standstill import peek, under_way
from tests.voices import SHORT_CALL, Call, speak, word_error_rate

DAY_SECONDS = 24 * 3600

#: libfaketime 0.9.10 breaks the system call behind Python's sleep where it leaves the monotonic clock alone.
SLEEPS_OTHERWISE = "import select, time; time.sleep = lambda seconds: select.select([], [], [], seconds)"


@dataclass(frozen=True)
class Clock:
    """The wall clock of processes (libfaketime); their monotonic clock and the times of files stay true."""

    folder: Path
    library: str

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What puts processes under this clock."""
        given = {
            "LD_PRELOAD": self.library,
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "offset"),
            "PYTHONPATH": os.pathsep.join((str(self.folder), os.environ.get("PYTHONPATH", ""))),
        }
        switches = ("FAKETIME_NO_CACHE", "DONT_FAKE_MONOTONIC", "NO_FAKE_STAT")
        return (*given.items(), *((switch, "1") for switch in switches))

    def set(self, offset: str) -> None:
        """Set the clock to an offset from the true time, such as +1d."""
        (self.folder / "new").write_text(offset)
        (self.folder / "new").replace(self.folder / "offset")


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """A clock that can be set under running processes."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        skip_or_fail("needs libfaketime")
    clock = Clock(tmp_path / "clock", str(library))
    clock.folder.mkdir()
    (clock.folder / "sitecustomize.py").write_text(SLEEPS_OTHERWISE)
    clock.set("+0")
    return clock


def test_a_clock_that_is_set_forward_by_a_day_runs_nothing_twice_and_leaves_nothing_stuck(
    stage: Stage, stretches: Call, with_microphone: tuple[tuple[str, str], ...], clock: Clock
) -> None:
    both = ("OFFHOOK_LIVE_QUEUE", "share")
    stage = replace(stage, settings=(*with_microphone, *clock.settings, both))
    with running(stage, WORKER, INBOX, CAPTURE):
        started = datetime.now(UTC)
        stage.drop_call(stretches, "under way.wav")
        done(stage, "record", "start", "--title", "recorded")
        before = time.monotonic()
        under_way(stage, "under way")
        clock.set("+1d")
        assert status_of(stage, "under way") == "processing"
        stage.drop_call(speak(SHORT_CALL[2:3], seed=60), "afterwards.wav")
        recorded = stage.read("record", "stop")
        assert abs(recorded["duration_seconds"] - (time.monotonic() - before)) < 2
        for name in ("under way", "afterwards", "recorded"):
            record = archived(stage, name)
            assert (name, record["status"], record["attempts"], record["crashes"]) == (
                name,
                "completed",
                1,
                0,
            )
            assert (datetime.fromisoformat(record["completed_at"]) - started).days == 1  # it was set indeed
        assert len(stage.records()) == 3


def test_a_clock_that_is_set_back_by_a_day_leaves_nothing_waiting_for_the_day_to_pass(
    stage: Stage, stretches: Call, clock: Clock
) -> None:
    """An engine is killed, so its recording rests until a time that is suddenly far."""
    stage = replace(stage, settings=clock.settings)
    with running(stage, WORKER, INBOX) as (worker, _):
        started = datetime.now(UTC)
        stage.drop_call(stretches, "resting.wav")
        under_way(stage, "resting")
        os.kill(engine_of(worker), signal.SIGKILL)
        crashes = "SELECT crashes FROM call_records"
        stage.wait_for(lambda: peek(stage.database, crashes) == [(1,)], "the crash")
        clock.set("-1d")
        stage.drop_call(speak(SHORT_CALL[2:3], seed=61), "afterwards.wav")
        for name, attempts in (("resting", 2), ("afterwards", 1)):
            record = archived(stage, name)
            assert (name, record["status"], record["attempts"]) == (name, "completed", attempts)
            assert (
                started - datetime.fromisoformat(record["completed_at"])
            ).total_seconds() > DAY_SECONDS / 2
        assert word_error_rate(stretches.words, stage.text(stage.records()[0])) < 0.15


def status_of(stage: Stage, title: str) -> str:
    """How a recording stands at this moment."""
    found = looks.newest(stage.database, title)
    assert found
    return found[0]
