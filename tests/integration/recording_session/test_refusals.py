"""A request that the state does not allow is refused and changes nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from shared.capture_errors import AlreadyRecording, NotRecording, RecordingWaits, UnknownSession
from shared.settings import Settings
from tests.integration.recording_session.desk import Desk, Make, nothing_is_left, only_record
from tests.tables import Capture, Record

PATIENCE_SECONDS = 10.0

# What is refused changes nothing


def test_a_second_start_is_refused_and_the_recording_goes_on(desk: Desk) -> None:
    desk.session.start(title="first")
    before = desk.session.get_state()
    with pytest.raises(AlreadyRecording):
        desk.session.start(title="second")
    after = desk.session.get_state()
    assert (after["state"], after["session_id"]) == ("recording", before["session_id"])
    desk.session.stop()
    assert only_record().title == "first"


def test_two_starts_at_once_make_one_recording(desk: Desk) -> None:
    barrier, outcomes = threading.Barrier(2), []

    def start() -> None:
        barrier.wait()
        try:
            outcomes.append(desk.session.start()["state"])
        except AlreadyRecording as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["already_recording", "recording"]
    desk.session.stop()
    assert Record.select().count() == 1


def test_nothing_is_recorded_while_a_recording_waits(manual: Desk) -> None:
    session_id = manual.record()["session_id"]
    with pytest.raises(RecordingWaits):
        manual.session.start()
    state = manual.session.get_state()
    assert (state["state"], state["session_id"]) == ("stopped", session_id)


@pytest.mark.parametrize("finalise", ["auto", "manual"])
def test_a_second_stop_is_refused(make: Make, finalise: str) -> None:
    desk = make(finalise=finalise)
    desk.record(0.1)
    before = desk.session.get_state()
    with pytest.raises(NotRecording):
        desk.session.stop()
    assert desk.session.get_state() == before


def test_an_idle_session_refuses_to_stop_to_discard_and_to_attach(desk: Desk) -> None:
    before = desk.session.get_state()
    with pytest.raises(NotRecording):
        desk.session.stop()
    with pytest.raises(NotRecording):
        desk.session.discard()
    with pytest.raises(UnknownSession):
        desk.session.attach("c-1")
    assert desk.session.get_state() == before


def test_a_recording_that_is_queued_is_not_discarded(desk: Desk) -> None:
    path = Path(desk.record()["recording_path"])
    with pytest.raises(NotRecording):
        desk.session.discard()
    assert path.exists()
    assert Record.select().count() == 1


def test_attaching_an_unknown_session_changes_nothing(manual: Desk) -> None:
    manual.record(candidate_id="c-1")
    before = manual.session.get_state()
    with pytest.raises(UnknownSession, match="0000"):
        manual.session.attach("c-2", session_id="0000")
    assert manual.session.get_state() == before
    assert Capture.get().candidate_id == "c-1"
    assert Record.select().count() == 0


# The database is busy


def test_a_title_that_cannot_be_written_down_leaves_nothing_running(desk: Desk, settings: Settings) -> None:
    with pytest.raises(ValueError):
        desk.session.start(title="Gr\udcc3")
    for thread in threading.enumerate():
        if thread.name == "audio":  # it closes its devices after the recording has ended
            thread.join(PATIENCE_SECONDS)
    assert "audio" not in [thread.name for thread in threading.enumerate()]
    assert desk.state == "idle"
    assert nothing_is_left(settings)
