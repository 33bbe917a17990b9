"""A session inside of another program."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from shared.capture_errors import NotRecording
from shared.errors import StateConflict
from shared.settings import Settings
from shared.store.captures import ENDED
from tests.integration.recording_session.desk import Desk, Make, nothing_is_left, only_record
from tests.stage import ROOT
from tests.tables import Capture, Record


def test_a_listener_that_fails_ends_no_recording(make: Make, settings: Settings) -> None:
    def listener(event: dict[str, Any]) -> None:
        raise RuntimeError("the window is gone")

    session = make().session
    session._announcer._listener = listener
    session.start()
    time.sleep(0.5)
    assert session.get_state()["state"] == "recording"
    assert session.stop()["state"] == "queued"
    assert session.get_state()["state"] == "idle"
    session.start()
    session.stop()
    assert Record.select().count() == 2


def test_a_session_that_is_closed_records_no_more(desk: Desk, settings: Settings) -> None:
    desk.session.close()
    with pytest.raises(NotRecording):
        desk.session.start()
    assert nothing_is_left(settings)


def test_a_program_that_leaves_without_a_word_ends_and_its_recording_is_queued(
    desk: Desk, settings: Settings
) -> None:
    code = (
        "import time; from capture_worker import RecordingSession\n"
        "RecordingSession().start(title='left running'); time.sleep(0.5); raise SystemExit(3)\n"
    )
    own = {"OFFHOOK_MICROPHONE": settings.microphone, "OFFHOOK_LOOPBACK": settings.loopback}
    env = {**os.environ, "OFFHOOK_HOME": str(settings.home), **own}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, timeout=30)
    assert done.returncode == 3
    record = only_record()
    assert (record.title, record.source) == ("left running", "capture")
    assert list(settings.recording.iterdir()) == []


def test_the_umask_of_the_program_that_embeds_it_stays_as_it_was(make: Make, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        outcome = make().record(0.2)
        assert os.umask(0o022) == 0o022
        assert Path(outcome["recording_path"]).stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_a_recording_that_ends_while_it_is_discarded_is_not_said_to_be_gone(desk: Desk) -> None:
    desk.session.start()
    active = desk.session._active
    assert active
    active.stop()  # as a limit does that is reached just then
    desk.session._active = active
    with pytest.raises(StateConflict, match="offhook delete"):
        desk.session.discard()


def test_an_ended_recording_that_cannot_be_moved_is_shown_as_late_and_queued_later(
    desk: Desk, settings: Settings
) -> None:
    desk.session.start()
    settings.inbox.rmdir()
    settings.inbox.write_bytes(b"in the way")
    assert desk.session.stop()["state"] == "late"
    assert Capture.get().state == ENDED
    settings.inbox.unlink()
    settings.inbox.mkdir()
    desk.session.hand_over_leftovers()
    assert only_record().session_id
