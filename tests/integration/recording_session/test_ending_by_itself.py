"""A recording that ends by itself: too long, silent, or the disk is full."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from shared.capture_errors import NotRecording
from shared.settings import Settings
from shared.store.store import Store
from tests.conftest import skip_or_fail
from tests.integration.recording_session.desk import RATE_HZ, Make, noise, only_record, read, write
from tests.stage import ROOT
from tests.tables import Capture, Record
from tests.waiting import until

PATIENCE_SECONDS = 15.0
wait_for = partial(until, seconds=PATIENCE_SECONDS)


ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's namespaces")


#: Records onto a disk that is soon full, and says what became of it.
FILLS_THE_DISK = """
import json, os, subprocess, time
from capture_worker import RecordingSession
from shared.settings_sources import load
settings = load(os.environ)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(settings.recording)], check=True)
print("mounted", flush=True)
events = []
with RecordingSession(settings, on_event=events.append) as session:
    session.start(title="too long", candidate_id="c-1")
    deadline = time.monotonic() + 20
    while session.get_state()["state"] == "recording" and time.monotonic() < deadline:
        time.sleep(0.02)
    said = [event for event in events if event["type"] != "level"]
    try:
        session.stop()
    except Exception as error:
        refusal = [type(error).__name__, str(error)]
    left = [path.name for path in settings.recording.iterdir()]
    print(json.dumps({"state": session.get_state(), "said": said, "refusal": refusal, "left": left}))
"""


# It stops by itself


def test_a_recording_ends_by_itself_when_it_has_become_too_long(make: Make) -> None:
    desk = make(longest_recording_minutes=0.02)
    started = time.monotonic()
    desk.session.start()
    wait_for(lambda: desk.state == "idle", "the recording to end")
    assert 1.1 < time.monotonic() - started < 3
    last = desk.session.get_state()["last"]
    assert (last["reason"], last["error"]) == ("longest_recording", None)
    assert last["duration_seconds"] == pytest.approx(1.2, abs=0.3)
    assert only_record().id == last["record_id"]
    with pytest.raises(NotRecording, match="longest_recording"):
        desk.session.stop()


def test_a_recording_ends_by_itself_when_both_sides_have_fallen_silent(make: Make, tmp_path: Path) -> None:
    short = noise(tmp_path / "short.wav", 3, seconds=1.0)
    desk = make(microphone=f"replay:{short}", loopback="none", stop_after_silence_minutes=0.02)
    desk.session.start()
    wait_for(lambda: desk.state == "idle", "the recording to end")
    last = desk.session.get_state()["last"]
    assert (last["reason"], last["error"]) == ("silence", None)
    assert json.loads(Capture.get().verdict)["reason"] == "silence"
    assert 2.1 < last["duration_seconds"] < 4.5


def test_one_voice_is_enough_to_go_on(make: Make, tmp_path: Path) -> None:
    silent = tmp_path / "silent.wav"
    write(silent, np.zeros(RATE_HZ * 5))
    desk = make(loopback=f"replay:{silent}", stop_after_silence_minutes=0.01)
    desk.session.start()
    time.sleep(1.2)
    assert desk.state == "recording"


def test_a_recording_that_ends_by_itself_waits_too_where_recordings_wait(make: Make) -> None:
    desk = make(finalise="manual", longest_recording_minutes=0.01)
    desk.session.start()
    wait_for(lambda: desk.state == "stopped", "the recording to end")
    assert Record.select().count() == 0


def test_the_reminder_of_consent_is_given_at_each_start(make: Make) -> None:
    desk = make(consent_reminder="Ask before you record.")
    for _ in range(2):
        state = desk.session.start()
        assert {"code": "consent", "message": "Ask before you record."} in state["warnings"]
        desk.session.stop()
    assert desk.warned() == ["consent", "consent"]


# The disk is full


@ON_LINUX
def test_a_full_disk_ends_a_recording_and_what_there_was_room_for_is_queued(
    settings: Settings, store: Store
) -> None:
    environment = {f"OFFHOOK_{name.upper()}": str(getattr(settings, name)) for name in ("home", "microphone")}
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", sys.executable, "-c", FILLS_THE_DISK],
        cwd=ROOT,
        env=os.environ | environment | {"OFFHOOK_LOOPBACK": "none"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if not done.stdout.startswith("mounted\n"):
        skip_or_fail(f"no file system can be mounted here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[1])
    last = found["state"]["last"]
    assert found["state"]["state"] == "idle"
    assert last["reason"] == "disk_full"
    assert "disk is full" in last["error"]
    assert [event.get("code") for event in found["said"]] == ["disk_low", None, "disk_full", None]
    assert found["refusal"][0] == "NotRecording"
    assert "disk is full" in found["refusal"][1]
    assert found["left"] == []
    record = only_record()
    assert (record.id, record.candidate_id, record.title) == (last["record_id"], "c-1", "too long")
    room = (64 * 1024 - 80) / (2 * RATE_HZ)
    assert room - 0.2 < len(read(record.recording_path)) / RATE_HZ <= room
    assert json.loads(Capture.get().verdict)["reason"] == "disk_full"
