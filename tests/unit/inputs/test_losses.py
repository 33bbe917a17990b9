"""Devices that are lost and come back."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise

import pytest

from capture_worker.audio.source import LOOPBACK, MICROPHONE, Device
from capture_worker.inputs import LOOK_EVERY_SECONDS, REFUSED_SECONDS
from tests.unit.inputs.machine import (
    BUILT_IN,
    EARPHONES,
    HEADSET,
    POLL_SECONDS,
    SPEAKERS,
    Machine,
    Recorder,
    codes,
    waits_after,
)


@pytest.mark.parametrize(("side", "device"), [(MICROPHONE, BUILT_IN), (LOOPBACK, SPEAKERS)])
def test_a_device_that_is_lost_is_said_once_and_used_again_when_it_is_back(
    machine: Machine, recorder: Recorder, side: str, device: Device
):
    machine.unplug(device)
    said = recorder.run(30)
    assert said == [("device_lost", f"The {side} was lost. It will be used again when it is back.")]
    machine.plug(device)
    said = recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)

    assert codes(said) == ["device_opened"]
    assert recorder.inputs.sides[side].losses == 1
    assert recorder.keys_used(side) == [device.key, device.key]
    assert recorder.inputs.heard == [MICROPHONE, LOOPBACK]


def test_the_other_side_goes_on_while_one_is_lost(machine: Machine, recorder: Recorder):
    machine.unplug(BUILT_IN)
    for _ in range(5):
        machine.heard = {"out:0": [[0.5, 0.5]]}
        recorder.run(1)

    assert [heard.side for heard in recorder.heard] == [LOOPBACK] * 5
    assert machine.done.count("open out:0") == 1
    assert "close out:0" not in machine.done


def test_a_microphone_that_is_lost_alone_is_used_again_when_it_is_back(machine: Machine):
    with closing(Recorder(machine, loopback="none")) as recorder:
        machine.unplug(BUILT_IN)
        recorder.run(3)
        machine.plug(BUILT_IN)
        recorder.run(2)

        assert machine.done[:3] == ["open in:0", "close in:0", "renew"]
        assert [done for done in machine.done[3:] if done != "renew"] == ["open in:0"]


def test_every_loss_is_counted_and_said(machine: Machine, recorder: Recorder):
    for _ in range(3):
        machine.unplug(BUILT_IN)
        assert codes(recorder.run(2)) == ["device_lost"]
        machine.plug(BUILT_IN)
        assert codes(recorder.run(2)) == ["device_opened"]

    assert recorder.inputs.sides[MICROPHONE].losses == 3
    assert recorder.inputs.sides[LOOPBACK].losses == 0
    assert recorder.keys_used(MICROPHONE) == ["in:0"] * 4


def test_a_loss_is_counted_though_another_device_is_the_default_before_the_next_read(
    machine: Machine, recorder: Recorder
):
    machine.unplug(SPEAKERS)
    machine.make_default(EARPHONES)
    recorder.inputs.look_after(machine.now + LOOK_EVERY_SECONDS)

    assert recorder.inputs.sides[LOOPBACK].losses == 1
    assert codes(recorder.warnings) == ["device_lost", "device_opened"]
    assert recorder.open_keys[LOOPBACK] == "out:1"


def test_a_lost_device_is_looked_for_at_once_and_then_ever_more_slowly(machine: Machine, recorder: Recorder):
    for _ in range(2):  # after the second loss as after the first one
        recorder.run(3)
        machine.unplug(BUILT_IN)
        lost_at = machine.now
        waits = waits_after(machine, recorder)

        assert any(lost_at <= look <= lost_at + 2 * POLL_SECONDS for look in machine.asked)
        assert waits[0] < 0.3
        assert all(later >= earlier - POLL_SECONDS - 1e-6 for earlier, later in pairwise(waits))
        assert waits[-1] == pytest.approx(LOOK_EVERY_SECONDS, abs=POLL_SECONDS + 1e-6)
        machine.plug(BUILT_IN)


def test_a_device_that_refuses_is_said_once_and_tried_until_it_does_not(machine: Machine, recorder: Recorder):
    machine.refused.add("in:1")
    machine.make_default(HEADSET)
    said = recorder.run(20)
    assert codes(said) == ["device_unusable"]
    assert "USB Headset (Jabra) is held by another program" in said[0][1]
    assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:0"}  # the old one is better than none
    machine.refused.clear()
    said = recorder.run(REFUSED_SECONDS + LOOK_EVERY_SECONDS)

    assert codes(said) == ["device_opened"]
    assert recorder.open_keys == {MICROPHONE: "in:1", LOOPBACK: "out:0"}
    assert machine.done.count("open out:0") == 1


def test_a_device_that_refuses_from_the_start_is_used_as_soon_as_it_does_not():
    machine = Machine(refused={"in:0"})
    with closing(Recorder(machine)) as recorder:
        recorder.run(3)
        assert codes(recorder.warnings) == ["device_unusable", "microphone_missing"]
        assert machine.asked[1] - machine.asked[0] < 0.5
        assert recorder.inputs.heard == [LOOPBACK]
        machine.refused.clear()
        recorder.run(2)

        assert recorder.inputs.heard == [MICROPHONE, LOOPBACK]
        assert recorder.keys_used(MICROPHONE) == ["in:0"]
