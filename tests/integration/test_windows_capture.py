"""A whole recording on Windows' devices: over the real Python layer, and a C layer of ours below it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from capture_worker import DualStreamCapture, Plan
from capture_worker.audio import windows
from capture_worker.audio.source import LOOPBACK, MICROPHONE
from capture_worker.clock import steady_seconds
from capture_worker.verdict import Verdict
from tests.fake_portaudio import faultless, probe, wheel
from tests.windows_machine import Machine, Microphone, Render, tone
from transcribe_worker.media.riff import is_whole

PATIENCE_SECONDS = 10.0


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel(tmp_path_factory.getbasetemp() / "pyaudiowpatch")


class Desk:
    """A machine with a microphone and speakers, and a recording on it."""

    def __init__(self, unpacked: Path, path: Path) -> None:
        self.microphone, self.speakers = Microphone("Array Mic", 44_100, 2), Render("Speakers")
        self.machine = Machine(self.microphone, self.speakers, clock=steady_seconds)
        self.microphone.sound = tone(300)
        self.path, self._unpacked = path, unpacked
        self.warnings: list[str] = []
        self.verdict: Verdict | None = None

    @contextmanager
    def recording(self, plan: Plan | None = None) -> Iterator[DualStreamCapture]:
        with faultless(self.machine, self._unpacked):
            capture = DualStreamCapture(
                self.path,
                plan or Plan(layout="split"),
                on_warning=lambda code, _: self.warnings.append(code),
                open_system=lambda wanted: windows.System(
                    probe(self.machine, self._unpacked, every_seconds=0.5)
                ),
            )
            capture.start()
            try:
                yield capture
            finally:
                self.verdict = capture.stop()

    def waits_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.warnings
            time.sleep(0.02)


@pytest.fixture
def desk(unpacked: Path, tmp_path: Path) -> Desk:
    return Desk(unpacked, tmp_path / "call.wav")


def test_both_sides_are_recorded_and_nothing_is_missing(desk: Desk) -> None:
    desk.machine.play(desk.speakers, tone(1000))
    with desk.recording():
        time.sleep(2)
    assert desk.warnings == []
    assert is_whole(desk.path)
    sides = desk.verdict.sides
    assert [side.device_losses for side in sides.values()] == [0, 0]
    assert [side.devices[0]["rate_hz"] for side in sides.values()] == [44_100, 48_000]
    assert all(side.silence_share < 0.2 for side in sides.values())


def test_a_loopback_on_which_nothing_plays_is_silence_and_no_loss(desk: Desk) -> None:
    with desk.recording():
        time.sleep(1)
        desk.machine.play(desk.speakers, tone(1000))
        time.sleep(1)
    assert desk.warnings == []
    assert desk.verdict.sides[LOOPBACK].device_losses == 0
    assert 0.3 < desk.verdict.sides[LOOPBACK].silence_share < 0.8
    assert desk.verdict.duration_seconds == pytest.approx(2.05, abs=0.3)


def test_a_microphone_that_is_unplugged_is_used_again_when_it_is_back(desk: Desk) -> None:
    with desk.recording() as capture:
        time.sleep(0.5)
        desk.machine.unplug(desk.microphone)
        desk.waits_for(lambda: "device_lost" in desk.warnings)
        time.sleep(0.3)
        desk.machine.plug(desk.microphone)
        desk.machine.make_default(desk.microphone)
        desk.waits_for(lambda: capture.device_names()[MICROPHONE] is not None)
        time.sleep(0.5)
    side = desk.verdict.sides[MICROPHONE]
    assert (side.device_losses, side.gaps) == (1, 1)
    assert side.lost_ms > 250


def test_the_recording_follows_the_default_output_though_the_old_one_stays_silently_alive(desk: Desk) -> None:
    headset = Render("Headset")
    desk.machine.plug(headset)
    desk.machine.play(desk.speakers, tone(1000))
    with desk.recording() as capture:
        time.sleep(0.3)
        desk.machine.make_default(headset)
        desk.waits_for(lambda: capture.device_names()[LOOPBACK] == "Headset")
        desk.machine.play(headset, tone(1000))
        time.sleep(0.5)
    assert desk.verdict.sides[LOOPBACK].device_losses == 0
    assert [device["name"] for device in desk.verdict.sides[LOOPBACK].devices] == ["Speakers", "Headset"]


def test_a_headset_that_is_plugged_in_during_the_call_is_found(desk: Desk) -> None:
    """The list of devices is frozen while PyAudio lives, so both streams have to be closed for it."""
    headset = Render("Headset")
    with desk.recording() as capture:
        time.sleep(0.3)
        desk.machine.plug(headset)
        desk.machine.make_default(headset)
        desk.waits_for(lambda: capture.device_names()[LOOPBACK] == "Headset")
        desk.waits_for(lambda: capture.device_names()[MICROPHONE] is not None)
    assert desk.verdict.sides[MICROPHONE].device_changes == 1


def test_without_speakers_the_microphone_is_recorded_and_said_so(desk: Desk) -> None:
    desk.machine.unplug(desk.speakers)
    with desk.recording(Plan()):
        time.sleep(0.5)
    assert desk.warnings == ["loopback_missing"]
    assert desk.verdict.sides[MICROPHONE].silence_share < 0.3
