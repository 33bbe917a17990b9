"""What the state says of the last recording: where it is now, and nothing once it is deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from capture_worker import RecordingSession
from shared.settings import Settings
from tests.stage import Stage
from tests.voices import Call, write_wav

TITLE, CANDIDATE = "Ms. Okafor", "C-17"


@pytest.fixture
def settings(settings: Settings, short_call: Call, tmp_path: Path) -> Settings:
    """A home on a machine whose microphone plays a call."""
    sound = tmp_path / "call.wav"
    write_wav(sound, short_call.samples)
    return replace(settings, microphone=f"replay:{sound}", loopback="none")


@contextmanager
def in_use(settings: Settings) -> Iterator[None]:
    """Another program holds the database."""
    with closing(sqlite3.connect(settings.database_file, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            holder.execute("ROLLBACK")


def last(session: RecordingSession) -> dict[str, Any]:
    found = session.get_state()["last"]
    assert isinstance(found, dict)
    return found


def test_a_recording_that_is_queued_late_gets_its_number_and_its_path(settings: Settings) -> None:
    states: list[dict[str, Any]] = []
    with RecordingSession(settings, on_event=states.append) as session:
        session.start(title=TITLE)
        with in_use(settings):
            outcome = session.stop()
            assert (outcome["state"], outcome["record_id"]) == ("late", None)
            assert last(session)["state"] == "late"
        states.clear()
        session.hand_over_leftovers()
        found = last(session)
        assert (found["state"], found["record_id"]) == ("queued", 1)
        assert Path(found["recording_path"]).parent == settings.inbox
        assert [event["last"] for event in states if event["type"] == "state"] == [found]


def test_a_recording_that_waited_gets_its_number_when_it_is_attached(settings: Settings) -> None:
    with RecordingSession(replace(settings, finalise="manual")) as session:
        session.start(title=TITLE)
        session.stop()
        assert (last(session)["state"], last(session)["record_id"]) == ("waiting", None)
        session.attach(candidate_id=CANDIDATE)
        assert (last(session)["state"], last(session)["record_id"]) == ("queued", 1)


def test_nothing_is_said_of_a_waiting_recording_that_was_discarded(settings: Settings) -> None:
    events: list[dict[str, Any]] = []
    with RecordingSession(replace(settings, finalise="manual"), on_event=events.append) as session:
        session.start(title=TITLE)
        session.stop()
        events.clear()
        session.discard()
        assert session.get_state()["last"] is None
        assert TITLE not in str(events)


def test_the_title_leaves_the_recorder_with_the_recording(settings: Settings) -> None:
    sides = {f"OFFHOOK_{side.upper()}": getattr(settings, side) for side in ("microphone", "loopback")}
    stage = Stage(settings.home, tuple(sides.items()))
    with stage.process("capture_worker"):
        stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        assert stage.offhook("record", "start", "--title", TITLE).returncode == 0
        assert stage.read("record", "stop")["record_id"] == 1
        assert TITLE in stage.offhook("record", "state").stdout + str(stage.read("record", "state"))
        assert stage.offhook("delete", "1", "--yes").returncode == 0
        state = stage.read("record", "state")
        assert (state["state"], state["last"]) == ("idle", None)
        assert TITLE not in stage.offhook("record", "state").stdout
