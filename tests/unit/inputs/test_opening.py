"""Which devices are opened."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES, Device
from capture_worker.inputs import LOOK_EVERY_SECONDS, choose
from shared.capture_errors import AudioUnavailable, NoDevice
from tests.unit.inputs.machine import (
    BUILT_IN,
    EARPHONES,
    HEADSET,
    LAPTOP,
    POLL_SECONDS,
    SPEAKERS,
    Machine,
    Recorder,
    codes,
)


def test_the_default_devices_are_opened_the_microphone_first(machine: Machine, recorder: Recorder):
    assert machine.done == ["open in:0", "open out:0"]
    assert recorder.inputs.heard == [MICROPHONE, LOOPBACK]
    assert recorder.warnings == []


def test_the_microphone_is_opened_first_wherever_it_is_in_the_list():
    machine = Machine(list(reversed(LAPTOP)))
    with closing(Recorder(machine)):
        assert machine.done == ["open in:0", "open out:0"]


@pytest.mark.parametrize(
    "wanted", ["in:1", "USB Headset (Jabra)", "usb headset (jabra)", "Jabra", "jabra", "HEADSET"]
)
def test_a_device_is_named_by_its_key_its_name_or_a_part_of_it(machine: Machine, wanted: str):
    with closing(Recorder(machine, microphone=wanted)) as recorder:
        assert recorder.open_keys == {MICROPHONE: "in:1", LOOPBACK: "out:0"}
        assert recorder.run(3) == []


def test_a_name_counts_for_the_side_that_it_was_given_for(machine: Machine):
    with closing(Recorder(machine, loopback="Jabra")) as recorder:
        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:1"}


def test_a_whole_name_goes_before_a_part_of_another():
    longer, exact = replace(HEADSET, name="USB Headset Pro", key="in:2"), replace(HEADSET, name="USB Headset")

    assert choose([longer, exact], MICROPHONE, "USB Headset") == exact
    assert choose([replace(longer, name="mix of in:1"), exact], MICROPHONE, "in:1") == exact


def test_a_key_counts_as_a_whole():
    assert choose([BUILT_IN, HEADSET], MICROPHONE, "in:") == BUILT_IN


def test_without_a_default_and_without_a_name_nothing_is_chosen():
    assert choose([HEADSET, EARPHONES], MICROPHONE, "default") is None
    assert choose([HEADSET, EARPHONES], MICROPHONE, "Jabra") == HEADSET
    assert choose([], MICROPHONE, "Jabra") is None


@pytest.mark.parametrize(("side", "left"), [(MICROPHONE, "out:0"), (LOOPBACK, "in:0")])
def test_a_side_that_is_not_wanted_is_never_opened_and_not_missed(machine: Machine, side: str, left: str):
    with closing(Recorder(machine, **{side: "none"})) as recorder:
        recorder.run(2)
        machine.make_default(HEADSET)
        machine.make_default(EARPHONES)
        recorder.run(2)

        assert recorder.inputs.heard == [other for other in SIDES if other != side]
        assert machine.done[0] == f"open {left}"
        assert not recorder.keys_used(side)
        assert codes(recorder.warnings) == ["device_opened"]


@pytest.mark.parametrize(
    ("devices", "wanted"),
    [
        ([], {}),
        ([HEADSET, EARPHONES], {}),
        (LAPTOP, {MICROPHONE: "none", LOOPBACK: "none"}),
        ([SPEAKERS], {LOOPBACK: "none"}),
    ],
)
def test_without_any_device_to_record_there_is_an_error_and_nothing_stays_open(
    devices: list[Device], wanted: dict[str, str]
):
    machine = Machine(list(devices))
    recorder = Recorder(machine, open_now=False, **wanted)

    with pytest.raises(NoDevice):
        recorder.inputs.open(machine.now)
    assert machine.is_closed
    assert not machine.streams


def test_devices_that_all_refuse_are_an_error_that_comes_with_the_reasons():
    machine = Machine(refused={"in:0", "out:0"})
    recorder = Recorder(machine, open_now=False)

    with pytest.raises(NoDevice):
        recorder.inputs.open(machine.now)
    assert machine.is_closed
    assert codes(recorder.warnings) == ["device_unusable", "device_unusable"]


def test_an_audio_system_that_cannot_be_reached_is_an_error_and_nothing_stays_open():
    machine = Machine(is_down=True)
    recorder = Recorder(machine, open_now=False)

    with pytest.raises(AudioUnavailable):
        recorder.inputs.open(machine.now)
    assert machine.is_closed


@pytest.mark.parametrize(
    ("devices", "code"), [([SPEAKERS], "microphone_missing"), ([BUILT_IN], "loopback_missing")]
)
def test_one_side_alone_is_recorded_and_said_so(devices: list[Device], code: str):
    machine = Machine(devices)
    with closing(Recorder(machine)) as recorder:
        assert recorder.open_keys == {device.side: device.key for device in devices}
        recorder.run(5)
        assert codes(recorder.warnings) == [code]


def test_a_side_that_was_missing_is_heard_as_soon_as_it_is_there():
    machine = Machine([SPEAKERS])
    with closing(Recorder(machine)) as recorder:
        recorder.run(3)
        machine.plug(BUILT_IN)
        said = recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)

        assert recorder.inputs.heard == [MICROPHONE, LOOPBACK]
        assert said == [("device_opened", "The microphone is Built-in Microphone now.")]


def test_everything_is_closed_in_the_end(machine: Machine):
    recorder = Recorder(machine)
    recorder.run(1)
    recorder.close()

    assert machine.done[-2:] == ["close in:0", "close out:0"]
    assert not machine.streams
    assert machine.is_closed
