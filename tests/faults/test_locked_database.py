"""A database that another program locks for long: the work is delayed, and nothing is lost."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from tests.faults.whole_homes import (
    CAPTURE,
    INBOX,
    WORKER,
    done,
    running,
)
from tests.stage import Stage
from tests.standstill import held_elsewhere, under_way
from tests.voices import SHORT_CALL, Call, speak, word_error_rate

LOCKED_SECONDS = 41.0  # longer than a worker waits for the database


def test_a_database_that_another_process_locks_for_longer_than_anybody_waits_costs_nothing(
    stage: Stage, stretches: Call, with_microphone: tuple[tuple[str, str], ...]
) -> None:
    """Meanwhile one recording is transcribed, others are dropped, and a call is recorded and followed."""
    stage = replace(stage, settings=(*with_microphone, ("OFFHOOK_LIVE_QUEUE", "share")))
    dropped = {f"dropped {number}": speak(SHORT_CALL[2:3], seed=50 + number) for number in range(3)}
    with running(stage, WORKER, INBOX, CAPTURE) as processes:
        done(stage, "record", "start", "--title", "recorded")
        stage.drop_call(stretches, "under way.wav")
        under_way(stage, "under way")
        with held_elsewhere(stage.home / "offhook.db") as let_go:
            for name, call in dropped.items():
                stage.drop_call(call, f"{name}.wav")
            time.sleep(3)
            held_up = stage.record("under way")
            assert held_up
            assert held_up["status"] == "processing"
            stopped = stage.read("record", "stop")
            assert stopped["state"] == "late"
            time.sleep(LOCKED_SECONDS - 3)
            assert [process.poll() for process in processes] == [None] * 3
            let_go()
        words = {name: call.words for name, call in {"under way": stretches, **dropped}.items()}
        for name in (*words, "recorded"):
            record = stage.finished(name)
            assert (name, record["status"], record["crashes"]) == (name, "completed", 0)
            if name in words:  # the other ends where it was stopped
                assert word_error_rate(words[name], stage.text(record)) < 0.15
        assert len(stage.records()) == 5
        assert [process.poll() for process in processes] == [None] * 3
        recorded = stage.record("recorded")
        assert recorded is not None
        assert recorded["duration_seconds"] == pytest.approx(stopped["duration_seconds"], abs=0.01)
        assert recorded["duration_seconds"] > 3
