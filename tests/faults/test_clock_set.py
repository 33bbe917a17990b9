"""A wall clock that is set by a day while offhook runs: nothing is repeated or stuck."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime

from tests import looks
from tests.clocks import Clock
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
