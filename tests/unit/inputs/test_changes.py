"""Default devices and formats that change."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from capture_worker.audio.source import LOOPBACK, MICROPHONE, Device
from capture_worker.inputs import LOOK_EVERY_SECONDS
from tests.unit.inputs.machine import BUILT_IN, EARPHONES, HEADSET, POLL_SECONDS, Machine, Recorder


@pytest.mark.parametrize(("side", "device"), [(MICROPHONE, HEADSET), (LOOPBACK, EARPHONES)])
def test_the_recording_follows_the_default_device(
    machine: Machine, recorder: Recorder, side: str, device: Device
):
    recorder.run(3)
    machine.make_default(device)
    said = recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)

    assert recorder.open_keys[side] == device.key
    assert said == [("device_opened", f"The {side} is {device.name} now.")]
    assert recorder.inputs.sides[side].losses == 0
    assert len(machine.streams) == 2


def test_while_nothing_changes_nothing_is_opened_again(machine: Machine, recorder: Recorder):
    assert recorder.run(20) == []
    assert machine.done == ["open in:0", "open out:0"]
    assert all(later - earlier >= 0.9 * LOOK_EVERY_SECONDS for earlier, later in pairwise(machine.asked))


def test_a_default_that_nobody_is_leaves_the_device_that_is_open(machine: Machine, recorder: Recorder):
    machine.devices = [replace(device, is_default=False) for device in machine.devices]

    assert recorder.run(5) == []
    assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:0"}


@pytest.mark.parametrize("change", [{"rate_hz": 16_000}, {"channels": 1}])
def test_a_device_that_changes_its_format_is_opened_anew(
    machine: Machine, recorder: Recorder, change: dict[str, int]
):
    machine.unplug(BUILT_IN)
    machine.plug(replace(BUILT_IN, **change))  # type: ignore[arg-type]
    recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)
    machine.heard = {"in:0": [[0.5] * change.get("channels", 2)]}
    recorder.run(0.1)

    assert recorder.keys_used(MICROPHONE) == ["in:0", "in:0"]
    assert recorder.heard[0].rate_hz == change.get("rate_hz", 48_000)
    assert recorder.heard[0].samples.tolist() == [0.5]


def test_a_look_that_is_not_done_changes_nothing_and_is_asked_for_again_soon(
    machine: Machine, recorder: Recorder
):
    recorder.run(1.5)
    machine.does_not_know = True
    machine.make_default(HEADSET)
    assert recorder.run(3) == []
    machine.does_not_know = False
    recorder.run(0.2)

    assert recorder.open_keys[MICROPHONE] == "in:1"
