"""Who watches the recorder sees all of it, whoever started the recording and whatever ends the recorder."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offhook.desk import recording
from offhook.desk.calls import recorder_state
from offhook.desk.desk import Desk
from offhook.desk.recorder import Refused
from offhook.desk.recorder_hub import LEVELS, STATE, RecorderHub
from offhook.desk.recorder_view import recorder_view
from tests.stage import Stage

RATE_HZ = 16_000
PATIENCE_SECONDS = 20.0


class Watcher:
    """One who watches the recorder."""

    def __init__(self, hub: RecorderHub) -> None:
        self._hub = hub
        self._events: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()

    def __call__(self, kind: str, data: dict[str, Any]) -> None:
        self._events.put((kind, data))

    @contextmanager
    def watching(self) -> Iterator[Watcher]:
        self._hub.join(self)
        try:
            yield self
        finally:
            self._hub.leave(self)

    def sees(self, kind: str, condition: Callable[[dict[str, Any]], Any] = lambda _: True) -> dict[str, Any]:
        """Wait for an event."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found, data = self._events.get(timeout=max(0.01, deadline - time.monotonic()))
            if found == kind and condition(data):
                return data


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    path = tmp_path / "noise.wav"
    samples = np.random.default_rng(1).integers(-9_000, 9_000, 60 * RATE_HZ, np.int16)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    devices = (("OFFHOOK_MICROPHONE", f"replay:{path}"), ("OFFHOOK_LOOPBACK", f"replay:{path}"))
    return Stage(tmp_path / "home", devices)


@contextmanager
def capture(stage: Stage) -> Iterator[subprocess.Popen[str]]:
    with stage.process("capture_worker") as worker:
        stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        yield worker


@pytest.fixture
def desk(stage: Stage) -> Iterator[Desk]:
    with Desk({"home": str(stage.home)}) as desk:
        yield desk


@pytest.fixture
def watcher(desk: Desk) -> Iterator[Watcher]:
    with Watcher(RecorderHub(desk)).watching() as watcher:
        yield watcher


def test_a_recording_that_was_started_elsewhere_is_seen_with_its_levels(
    stage: Stage, desk: Desk, watcher: Watcher
) -> None:
    assert "python start.py" in watcher.sees(STATE)["worker"]["message"]
    with capture(stage):
        watcher.sees(STATE, lambda view: view["worker"]["runs"] and view["state"] == "idle")
        stage.offhook("record", "start", "--title", "Ms. Okafor", "--layout", "split")
        running = watcher.sees(STATE, lambda view: view["state"] == "recording")
        assert (running["title"], running["notices"]) == ("Ms. Okafor", [])
        assert 0 < watcher.sees(LEVELS)["mic"] < 1
        sign = recorder_state(desk)
        assert (sign["state"], sign["session_id"]) == ("recording", running["session_id"])
        recording.stop(desk, running["session_id"])
        ended = watcher.sees(STATE, lambda view: view["state"] == "idle")
        assert (ended["last"]["record_id"], ended["last"]["verdict"]["layout"]) == (1, "split")
        assert recorder_state(desk)["state"] == "idle"


def test_all_who_watch_share_a_thread_that_ends_with_the_last_of_them(stage: Stage, desk: Desk) -> None:
    hub = RecorderHub(desk)

    def threads() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "recorder"]

    with capture(stage):
        with Watcher(hub).watching() as first, Watcher(hub).watching() as second:
            assert first.sees(STATE)["worker"]["runs"]
            assert second.sees(STATE)["worker"]["runs"]
            assert len(threads()) == 1
        stage.wait_for(lambda: not threads(), "the thread to end")
        with Watcher(hub).watching() as third:
            assert third.sees(STATE)["worker"]["runs"]


def test_a_killed_recorder_is_reported_and_its_call_is_seen_again_in_the_queue(
    stage: Stage, desk: Desk, watcher: Watcher
) -> None:
    with capture(stage) as worker:
        watcher.sees(STATE, lambda view: view["worker"]["runs"])
        session_id = recording.start(desk, title="Ms. Okafor")["session_id"]
        watcher.sees(LEVELS, lambda level: level["seconds"] > 2)
        worker.kill()
        gone = watcher.sees(STATE, lambda view: not view["worker"]["runs"])
        assert [(call["session_id"], call["state"]) for call in gone["calls"]] == [
            (session_id, "interrupted")
        ]
        assert recorder_state(desk)["state"] == "interrupted"
    with capture(stage):
        found = watcher.sees(STATE, lambda view: view["worker"]["runs"] and view["last"])
        assert (found["last"]["session_id"], found["last"]["record_id"]) == (session_id, 1)
        assert "its recorder was killed" in found["last"]["why"]
        assert found["calls"] == []


def test_another_recording_than_the_one_meant_is_neither_stopped_nor_discarded(
    stage: Stage, desk: Desk
) -> None:
    with capture(stage):
        running = recording.start(desk)["session_id"]
        for act in (recording.stop, recording.discard):
            with pytest.raises(Refused):
                act(desk, "0-0")
        assert recorder_view(desk)["session_id"] == running
        recording.discard(desk, running)
        assert recorder_view(desk)["state"] == "idle"
        with pytest.raises(Refused, match="layout is one of: mono, split"):
            recording.start(desk, layout="stereo")
