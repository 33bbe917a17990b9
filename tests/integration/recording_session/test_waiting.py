"""A stopped recording waits until a person attaches or discards it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from shared.settings import Settings
from shared.store.captures import WAITING
from tests.integration.recording_session.desk import Desk, Make, nothing_is_left, only_record, read
from tests.stage import ROOT
from tests.tables import Capture, Record

#: Stops a recording that then waits, and is gone without a word.
STOPS_AND_DIES = """
import os, signal, time
from capture_worker import RecordingSession
session = RecordingSession()
session.start(title="left behind", candidate_id="c-1")
time.sleep(0.3)
session.stop()
print(session.get_state()["session_id"], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


# Manual: it waits for somebody to attach or discard it


def test_a_stopped_recording_waits_and_is_not_queued(manual: Desk, settings: Settings) -> None:
    outcome = manual.record(title="who was it")
    assert (outcome["record_id"], outcome["recording_path"]) == (None, None)
    state = manual.session.get_state()
    assert (state["state"], state["title"], state["session_id"]) == (
        "stopped",
        "who was it",
        outcome["session_id"],
    )
    assert state["duration_seconds"] == pytest.approx(outcome["duration_seconds"], abs=0.01)
    assert Record.select().count() == 0
    assert list(settings.inbox.iterdir()) == []
    assert Capture.get().state == WAITING


def test_attaching_a_recording_that_waits_queues_it(manual: Desk) -> None:
    session_id = manual.record()["session_id"]
    done = manual.session.attach("c-7", "p-3")
    record = only_record()
    assert done == {"session_id": session_id, "record_id": record.id}
    assert (record.session_id, record.candidate_id, record.project_id) == (session_id, "c-7", "p-3")
    assert read(record.recording_path).size
    assert manual.state == "idle"


def test_discarding_a_recording_that_waits_leaves_nothing_of_it(manual: Desk, settings: Settings) -> None:
    session_id = manual.record()["session_id"]
    assert manual.session.discard() == {"session_id": session_id, "discarded": True}
    assert manual.state == "idle"
    assert nothing_is_left(settings)


def test_discarding_a_recording_that_runs_leaves_nothing_of_it(desk: Desk, settings: Settings) -> None:
    desk.session.start()
    time.sleep(0.2)
    desk.session.discard()
    assert desk.state == "idle"
    assert nothing_is_left(settings)


def test_a_discarded_recording_does_not_wait_either(manual: Desk, settings: Settings) -> None:
    manual.session.start()
    manual.session.discard()
    assert manual.state == "idle"
    assert nothing_is_left(settings)


def test_a_recording_waits_over_the_death_of_its_process(make: Make, settings: Settings) -> None:
    environment = {
        "OFFHOOK_HOME": str(settings.home),
        "OFFHOOK_FINALISE": "manual",
        "OFFHOOK_MICROPHONE": settings.microphone,
        "OFFHOOK_LOOPBACK": settings.loopback,
    }
    died = subprocess.run(
        [sys.executable, "-c", STOPS_AND_DIES],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
    )
    assert died.returncode < 0
    heir = make(finalise="manual")
    state = heir.session.get_state()
    assert (state["state"], state["session_id"], state["title"]) == (
        "stopped",
        died.stdout.strip(),
        "left behind",
    )
    heir.session.attach(project_id="p-3")
    record = only_record()
    assert (record.session_id, record.candidate_id, record.project_id) == (
        died.stdout.strip(),
        "c-1",
        "p-3",
    )


def test_a_recording_that_waited_is_queued_when_recordings_wait_no_longer(make: Make) -> None:
    first = make(finalise="manual")
    session_id = first.record()["session_id"]
    first.session.close()
    assert make(finalise="auto").state == "idle"
    assert only_record().session_id == session_id


def test_a_recording_that_waits_with_a_living_process_is_left_to_it(make: Make) -> None:
    first = make(finalise="manual")
    first.record()
    assert make(finalise="manual").state == "idle"
    assert first.state == "stopped"
    first.session.attach("c-1")
    assert only_record().candidate_id == "c-1"


def test_only_the_newest_of_two_recordings_waits(make: Make) -> None:
    older, newer = make(finalise="manual"), make(finalise="manual")
    first, second = older.record(title="older"), newer.record(title="newer")
    older.session.close()
    newer.session.close()
    heir = make(finalise="manual")
    assert heir.session.get_state()["session_id"] == second["session_id"]
    assert only_record().session_id == first["session_id"]


# The database is busy


def test_the_newest_recording_waits_whoever_has_stopped_it(make: Make) -> None:
    older, newer = make(finalise="manual"), make(finalise="manual")
    first, second = older.record(title="older"), newer.record(title="newer")
    older.session.close()
    newer.session.hand_over_leftovers()
    assert newer.session.get_state()["session_id"] == second["session_id"]
    assert only_record().session_id == first["session_id"]
