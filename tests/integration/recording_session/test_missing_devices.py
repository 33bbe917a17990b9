"""A recording with one device or none."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from capture_worker.audio import replay
from shared.capture_errors import AudioUnavailable, NoDevice
from shared.settings import Settings
from tests.integration.recording_session.desk import Desk, Make, found_in, nothing_is_left, read
from tests.tables import Capture

# Devices that are not there


def test_without_any_device_nothing_is_recorded_and_nothing_is_left(make: Make, settings: Settings) -> None:
    desk = make(open_system=lambda wanted: replay.System({}))
    with pytest.raises(NoDevice):
        desk.session.start()
    assert desk.state == "idle"
    assert nothing_is_left(settings)
    assert desk.of_type("state") == []


@pytest.mark.parametrize(
    ("missing", "heard", "code"),
    [("microphone", "loopback", "microphone_missing"), ("loopback", "microphone", "loopback_missing")],
)
def test_a_missing_side_is_said_and_the_other_is_recorded_as_loud_as_it_is(
    make: Make, sources: tuple[Path, Path], missing: str, heard: str, code: str
) -> None:
    desk = make(**{missing: "default"})
    state = desk.session.start()
    assert [warning["code"] for warning in state["warnings"]] == [code]
    assert desk.warned() == [code]
    assert state[missing] is None
    time.sleep(1.4)
    audio = read(desk.session.stop()["recording_path"])[:, 0]
    source = sources[("microphone", "loopback").index(heard)]
    assert found_in(audio, source)[0] > 0.99
    assert np.std(audio[8_000:16_000]) == pytest.approx(np.std(read(source)), rel=0.1)


def test_a_side_that_is_not_wanted_is_not_missed(make: Make) -> None:
    desk = make(loopback="none")
    desk.record(0.2)
    assert desk.warned() == []
    assert json.loads(Capture.get().verdict)["sides"]["loopback"]["devices"] == []


def test_a_replay_that_is_not_there_is_named(make: Make, settings: Settings, tmp_path: Path) -> None:
    desk = make(microphone=f"replay:{tmp_path / 'gone.wav'}")
    with pytest.raises(AudioUnavailable, match=r"gone\.wav"):
        desk.session.start()
    assert desk.state == "idle"
    assert nothing_is_left(settings)
    found = desk.session.check_devices()
    assert (found["microphone"], found["loopback"], found["devices"]) == (None, None, [])
    assert "gone.wav" in found["reason"]


def test_after_a_failed_start_the_next_one_records(make: Make, sources: tuple[Path, Path]) -> None:
    late = sources[0].with_name("late.wav")
    desk = make(microphone=f"replay:{late}")
    with pytest.raises(AudioUnavailable):
        desk.session.start()
    shutil.copyfile(sources[0], late)
    assert read(desk.record(0.2)["recording_path"]).size


def test_the_devices_that_would_be_recorded_are_named(desk: Desk, devices: dict[str, str]) -> None:
    found = desk.session.check_devices()
    assert {side: found[side]["name"] for side in devices} == devices
    assert [device["side"] for device in found["devices"]] == ["microphone", "loopback"]
    json.dumps(found)


# The database is busy


def test_where_no_side_is_wanted_no_sound_system_is_asked(make: Make, settings: Settings) -> None:
    with pytest.raises(NoDevice):
        make(microphone="none", loopback="none").session.start()
    assert nothing_is_left(settings)
