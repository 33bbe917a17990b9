"""Processes that die, stand still or are locked out during a live call: its transcript is the same, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.store.captures import ENDED
from tests.clocks import Clock
from tests.faults.whole_homes import CAPTURE, WORKER, done, running
from tests.faults.whole_homes import recorded as recorded_seconds
from tests.live_recorder import (
    completed,
    counts,
    decoded_again,
    followed_to,
    live_of,
    nothing_live,
    recorded,
    transcript,
)
from tests.stage import ROOT, Stage, engines_of, live_engine_of
from tests.standstill import held_elsewhere, kill, stop
from tests.voices import Call, again_and_again, write_wav

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sends signals, finds processes in /proc")
#: The first stretch of a call is final, and the second is not.
MIDDLE_SECONDS = 20.0
#: Longer than a worker waits for the database.
LOCKED_SECONDS = 37.0
#: A worker whose follower dies before a statement of its choice.
DIES = """
import sys
from tests.deaths import die_before_statement
die_before_statement(int(sys.argv[1]), thread="follower")
from shared.process import run
from transcribe_worker.worker import work
run("worker", work)
"""
#: A worker that has decoded a call that has ended, and dies while it completes its record.
FINISHES = """
import os, sys, threading
from archive.library import Library
from capture_worker.handover.unfinished import UnfinishedRecordings
from shared.settings_sources import load
from shared.store.store import Store
from shared.store.transcripts import Window
from shared.workers import Presence
from tests.deaths import die_before_statement
from transcribe_worker.engine.messages import Done
from transcribe_worker.jobs.findings import Findings
from transcribe_worker.jobs.recipe import of_call, options_of, recipe
from transcribe_worker.live.finishing import Finisher

session_id, known, left = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
settings = load(os.environ)
store = Store.of_home(settings)
me = Presence(store, settings.locks, "worker").enter().worker_id
call = store.captures.get(session_id)
same = recipe(options_of(settings, store, of_call(call)))
store.captures.change(session_id, state="recording")
live = store.live.claim(session_id, worker_id=me, recipe=same, model="tiny.en", lease_seconds=60)
window = Window(0.0, call.duration_seconds, 0.0, store.transcripts.segments(known))
store.live.save_windows(live, [window], [[]])
store.captures.change(session_id, state="ended")
UnfinishedRecordings(settings, store, call.worker_id).hand_over(session_id)
findings = Findings()
findings.note(Done(call.duration_seconds))
library = Library(settings, store)
die_before_statement(left)
Finisher(settings, store, library, me, threading.Event(), library.archive).finish(live, findings)
"""
#: A record is claimed, takes the windows over, and is completed in at least so many statements.
LEAST_STATEMENTS = 8


@pytest.fixture
def said(short_call: Call) -> NDArray[np.float32]:
    """A call of a minute, in two stretches."""
    return again_and_again(short_call, 3).samples


def log_of(stage: Stage) -> str:
    return (stage.home / "logs" / "worker.log").read_text()


def completed_at_its_end(stage: Stage, record_id: int) -> bool:
    return f"recording {record_id}: completed at the end of its call" in log_of(stage)


def kill_live_engine(worker: subprocess.Popen[str]) -> None:
    engine = live_engine_of(worker)
    assert engine
    os.kill(engine, signal.SIGKILL)


# Processes killed


def test_a_call_whose_engine_is_killed_is_completed_at_its_end_with_the_same_words(
    stage: Stage, said: NDArray[np.float32]
) -> None:
    with running(stage, WORKER) as (worker,), recorded(stage, np.tile(said, 2)) as recorder:
        followed_to(stage, recorder.session_id, MIDDLE_SECONDS)
        kill_live_engine(worker)
        killed_seconds = recorder.seconds
        stage.wait_for(
            lambda: heard_seconds(stage, recorder.session_id) > killed_seconds, "words of another engine"
        )
        record = recorder.all_of_it().hang_up()
        words = completed(stage, record.id)
        assert counts(stage, record.id) == ("completed", 1, 0)
        assert completed_at_its_end(stage, record.id)
        assert nothing_live(stage)
        assert decoded_again(stage, record.id) == words


def test_a_call_that_kills_its_engine_three_times_is_off_with_the_reason_and_left_to_the_queue(
    stage: Stage, said: NDArray[np.float32]
) -> None:
    with running(stage, WORKER) as (worker,), recorded(stage, said, faster=1) as recorder:
        begun = [0.0]  # with each engine, in seconds of the call
        for crashes in (1, 2, 3):
            stage.wait_for(lambda: heard_seconds(stage, recorder.session_id) > begun[-1], "its words")
            begun.append(recorder.seconds)
            kill_live_engine(worker)
            stage.wait_for(lambda n=crashes: has_crashed(stage, recorder.session_id, n), "the crash")
        live = live_of(stage, recorder.session_id)
        record = recorder.hang_up()
        words = completed(stage, record.id)
        assert live
        assert (live["state"], live["why"], live["token"]) == ("off", "The engine failed 3 times.", None)
        assert counts(stage, record.id) == ("completed", 1, 0)
        assert nothing_live(stage)
        assert decoded_again(stage, record.id) == words


def has_crashed(stage: Stage, session_id: str, times: int) -> bool:
    """Whether the engine of a call has crashed so many times, and is off after the third."""
    live = live_of(stage, session_id)
    return bool(live and live["crashes"] == times and (times < 3 or live["state"] == "off"))


def test_a_call_whose_worker_is_killed_is_followed_on_by_the_next(
    stage: Stage, said: NDArray[np.float32]
) -> None:
    with recorded(stage, said) as recorder:
        with running(stage, WORKER) as (worker,):
            followed_to(stage, recorder.session_id, MIDDLE_SECONDS)
            kill(worker)
        with running(stage, WORKER):
            stage.wait_for(lambda: log_of(stage).count(": followed\n") == 2, "the next worker")
            record = recorder.all_of_it().hang_up()
            words = completed(stage, record.id)
            assert counts(stage, record.id) == ("completed", 1, 0)
            assert nothing_live(stage)
            assert decoded_again(stage, record.id) == words


@pytest.mark.parametrize("who", ["recorder", "all"])
def test_a_call_whose_recorder_is_killed_is_completed_with_the_words_of_what_was_recorded(
    stage: Stage, said: NDArray[np.float32], tmp_path: Path, who: str
) -> None:
    """Alone, or with the worker and its engines."""
    write_wav(tmp_path / "said.wav", said)
    devices = (("OFFHOOK_MICROPHONE", f"replay:{tmp_path / 'said.wav'}"), ("OFFHOOK_LOOPBACK", "none"))
    stage = replace(stage, settings=devices)
    with running(stage, WORKER) as (worker,), running(stage, CAPTURE) as (recorder,):
        done(stage, "record", "start", "--title", "killed")
        recorded_seconds(stage, 5)
        stage.wait_for(lambda: live_engine_of(worker), "the engine")
        for pid in engines_of(worker) if who == "all" else ():
            os.kill(pid, signal.SIGKILL)
        for process in (worker, recorder) if who == "all" else (recorder,):
            kill(process)
        (stage.home / "control.json").unlink(missing_ok=True)
        with running(stage, CAPTURE), running(stage, WORKER):
            record = stage.finished("killed")
            words = completed(stage, record["id"])
            assert counts(stage, record["id"]) == ("completed", 1, 0)
            assert nothing_live(stage)
            assert decoded_again(stage, record["id"]) == words


def test_a_call_whose_worker_dies_before_one_statement_or_another_is_completed_with_the_same_words(
    stage: Stage, said: NDArray[np.float32]
) -> None:
    """One worker after another claims the call, shows its text, commits it, and dies."""
    with recorded(stage, said) as recorder:
        for statements in (0, 1, 3):
            command = [sys.executable, "-c", DIES, str(statements)]
            with subprocess.Popen(command, cwd=ROOT, env=stage.environment) as worker:
                assert worker.wait(60) == -signal.SIGKILL
        with running(stage, WORKER):
            record = recorder.all_of_it().hang_up()
            words = completed(stage, record.id)
            assert counts(stage, record.id) == ("completed", 1, 0)
            assert nothing_live(stage)
            assert decoded_again(stage, record.id) == words


def test_a_death_before_any_statement_at_the_end_of_a_call_leaves_one_transcript(
    stage: Stage, short_call: Call, short_wav: Path
) -> None:
    """While the record is claimed, takes the windows over and is completed; another worker sees to it."""
    stage = replace(stage, settings=(("OFFHOOK_VOICES", "false"),))
    with running(stage, WORKER):
        stage.offhook("add", short_wav)
        first = stage.finished(short_wav.stem)["id"]
        words = transcript(stage, first)[0]
        ends = []
        while not ends or ends[-1] == -signal.SIGKILL:
            with recorded(stage, short_call.samples, columns={"live": False}, faster=1000) as recorder:
                recorder.all_of_it().end(ENDED)
                command = [sys.executable, "-c", FINISHES, recorder.session_id, str(first), str(len(ends))]
                ends.append(subprocess.run(command, cwd=ROOT, env=stage.environment).returncode)
        assert ends[-1] == 0
        assert len(ends) > LEAST_STATEMENTS
        for record_id in range(first + 1, first + 1 + len(ends)):
            assert completed(stage, record_id)[0] == words
        assert len(stage.records()) == 1 + len(ends)
        assert nothing_live(stage)


# Processes that stand still, and databases


def test_a_worker_that_stands_still_in_a_call_writes_nothing_after_another_has_taken_it(
    stage: Stage, said: NDArray[np.float32]
) -> None:
    stage = replace(stage, settings=(("OFFHOOK_LEASE_SECONDS", "5"),))
    with recorded(stage, said, faster=3) as recorder, running(stage, WORKER) as (stalled,):
        followed_to(stage, recorder.session_id, MIDDLE_SECONDS)
        stop(stalled)
        with running(stage, WORKER):
            stage.wait_for(lambda: log_of(stage).count(": followed\n") == 2, "the other worker")
            stalled.send_signal(signal.SIGCONT)
            stage.wait_for(lambda: ": no longer ours" in log_of(stage), "the refusal")
            record = recorder.all_of_it().hang_up()
            words = completed(stage, record.id)
            assert counts(stage, record.id) == ("completed", 1, 0)
            assert nothing_live(stage)
            assert decoded_again(stage, record.id) == words
            assert stalled.poll() is None


def test_a_database_that_is_locked_in_a_call_delays_its_text_and_loses_none(
    stage: Stage, said: NDArray[np.float32]
) -> None:
    """It is locked while a part of the call becomes final, for longer than a worker waits."""
    with recorded(stage, said) as recorder, running(stage, WORKER) as (worker,):
        stage.wait_for(lambda: heard_seconds(stage, recorder.session_id) > 5, "the first words")
        with held_elsewhere(stage.database):
            time.sleep(LOCKED_SECONDS)
        record = recorder.all_of_it().hang_up()
        words = completed(stage, record.id)
        assert counts(stage, record.id) == ("completed", 1, 0)
        assert completed_at_its_end(stage, record.id)
        assert nothing_live(stage)
        assert worker.poll() is None
        assert decoded_again(stage, record.id) == words


@pytest.mark.parametrize("offset", ["+1d", "-1d"])
def test_a_clock_that_is_set_by_a_day_in_a_call_changes_nothing(
    stage: Stage, said: NDArray[np.float32], clock: Clock, offset: str
) -> None:
    stage = replace(stage, settings=clock.settings)
    with recorded(stage, said) as recorder, running(stage, WORKER):
        stage.wait_for(lambda: heard_seconds(stage, recorder.session_id) > 5, "the first words")
        clock.set(offset)
        record = recorder.all_of_it().hang_up()
        words = completed(stage, record.id)
        assert counts(stage, record.id) == ("completed", 1, 0)
        assert completed_at_its_end(stage, record.id)
        assert log_of(stage).count(": followed\n") == 1
        assert nothing_live(stage)
        assert decoded_again(stage, record.id) == words


def heard_seconds(stage: Stage, session_id: str) -> float:
    """Up to where there is text of a call."""
    live = live_of(stage, session_id)
    return live["heard_seconds"] if live else 0.0
