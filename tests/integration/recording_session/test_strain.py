"""Trouble of a running recording is in the database while it lasts, so that other processes step back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from capture_worker.strain import CAPTURE_LATE, DISK_LATE
from capture_worker.wav import WavWriter
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.recording_session.desk import Desk
from tests.stage import ROOT

PATIENCE_SECONDS = 15.0
RECORDS = """
import sys
from capture_worker import RecordingSession
with RecordingSession() as session:
    print(session.start()["session_id"], flush=True)
    sys.stdin.readline()
"""


def wait_for(store: Store, session_id: str, strain: str | None) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while store.captures.get(session_id).strain != strain:
        assert time.monotonic() < deadline, f"it is {store.captures.get(session_id).strain}"
        time.sleep(0.05)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGSTOP")
def test_a_recorder_that_stood_still_says_so_and_that_it_is_over(
    desk: Desk, settings: Settings, store: Store
) -> None:
    own = {"OFFHOOK_MICROPHONE": settings.microphone, "OFFHOOK_LOOPBACK": settings.loopback}
    env = {**os.environ, "OFFHOOK_HOME": str(settings.home), **own}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", RECORDS]
    with subprocess.Popen(command, cwd=ROOT, env=env, **pipes) as process:  # type: ignore[call-overload]
        session_id = process.stdout.readline().strip()
        wait_for(store, session_id, None)
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.0)
        process.send_signal(signal.SIGCONT)
        wait_for(store, session_id, CAPTURE_LATE)
        wait_for(store, session_id, None)
        process.communicate("\n", timeout=30)
    assert process.returncode == 0


def test_a_disk_that_hangs_is_said_to_be_late_until_it_is_well_again(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, sync = threading.Event(), WavWriter.sync

    def slow(writer: WavWriter) -> None:
        assert let_go.wait(PATIENCE_SECONDS)
        sync(writer)

    monkeypatch.setattr(WavWriter, "sync", slow)
    session_id = desk.session.start()["session_id"]
    wait_for(store, session_id, DISK_LATE)
    let_go.set()
    wait_for(store, session_id, None)
    assert desk.session.stop()["error"] is None


def test_an_ended_recording_has_no_trouble_any_more(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, sync = threading.Event(), WavWriter.sync
    monkeypatch.setattr(WavWriter, "sync", lambda writer: let_go.wait(PATIENCE_SECONDS) and sync(writer))
    session_id = desk.session.start()["session_id"]
    wait_for(store, session_id, DISK_LATE)
    let_go.set()
    desk.session.stop()
    assert store.captures.get(session_id).strain is None
