"""A device that is named and not there."""

from __future__ import annotations

from contextlib import closing

import pytest

from capture_worker.audio.source import LOOPBACK, MICROPHONE
from tests.unit.inputs.machine import BUILT_IN, HEADSET, SPEAKERS, Machine, Recorder, codes

# What is wanted and not there


def test_for_a_named_device_that_is_missing_the_default_one_is_recorded_and_said_so_once():
    machine = Machine([BUILT_IN, SPEAKERS])
    with closing(Recorder(machine, microphone="Jabra")) as recorder:
        recorder.run(5)

        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:0"}
        assert recorder.warnings == [
            ("device_missing", "There is no 'Jabra': Built-in Microphone is recorded instead.")
        ]


def test_a_named_device_is_recorded_again_when_it_comes_back(machine: Machine):
    with closing(Recorder(machine, microphone="Jabra")) as recorder:
        machine.unplug(HEADSET)
        said = recorder.run(2)
        assert recorder.open_keys[MICROPHONE] == "in:0"
        assert codes(said) == ["device_lost", "device_missing", "device_opened"]
        machine.plug(HEADSET)
        said = recorder.run(2)

        assert recorder.open_keys[MICROPHONE] == "in:1"
        assert said == [("device_opened", "The microphone is USB Headset (Jabra) now.")]
        assert recorder.keys_used(MICROPHONE) == ["in:1", "in:0", "in:1"]
        assert machine.done.count("open out:0") == 1


def test_a_named_device_stays_whatever_becomes_the_default(machine: Machine):
    with closing(Recorder(machine, microphone="Built-in")) as recorder:
        machine.make_default(HEADSET)

        assert recorder.run(5) == []
        assert recorder.open_keys[MICROPHONE] == "in:0"


# When the audio system ends, or has to begin anew


@pytest.mark.parametrize("wanted", ["", "  ", "Default", "DEFAULT"])
def test_a_name_without_a_name_is_the_default(wanted: str):
    with closing(Recorder(Machine([HEADSET, BUILT_IN, SPEAKERS]), microphone=wanted)) as recorder:
        assert recorder.open_keys[MICROPHONE] == "in:0"
