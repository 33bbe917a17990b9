"""An audio system that ends, or has to be opened again."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise

import pytest

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.inputs import LOOK_EVERY_SECONDS
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


def test_an_audio_system_that_is_gone_is_tried_again_and_begun_anew(machine: Machine, recorder: Recorder):
    recorder.run(1.5)
    machine.is_down = True
    said = recorder.run(30)
    assert codes(said) == ["device_lost", "device_lost"]
    assert not machine.streams
    machine.is_down = False
    said = recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)

    assert codes(said) == ["device_opened", "device_opened"]
    assert machine.done[-3:] == ["renew", "open in:0", "open out:0"]
    assert [recorder.inputs.sides[side].losses for side in SIDES] == [1, 1]
    assert [recorder.keys_used(side) for side in SIDES] == [["in:0", "in:0"], ["out:0", "out:0"]]


def test_an_audio_system_that_is_gone_is_asked_ever_more_slowly(machine: Machine, recorder: Recorder):
    recorder.run(1.5)
    machine.is_down = True
    waits = waits_after(machine, recorder)

    assert waits[0] < 0.5
    assert waits[-1] == pytest.approx(LOOK_EVERY_SECONDS, abs=POLL_SECONDS + 1e-6)
    assert all(later >= earlier - POLL_SECONDS - 1e-6 for earlier, later in pairwise(waits))


def test_streams_that_say_nothing_of_an_audio_system_that_is_gone_are_closed(
    machine: Machine, recorder: Recorder
):
    machine.is_down = True
    machine.now += 2 * LOOK_EVERY_SECONDS
    recorder.inputs.look_after(machine.now)  # before any of them is read

    assert not machine.streams
    assert codes(recorder.warnings) == ["device_lost", "device_lost"]


def test_a_device_that_the_audio_system_does_not_know_yet_makes_it_begin_anew_with_both_sides():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True)
    with closing(Recorder(machine)) as recorder:
        machine.plug(EARPHONES)
        machine.make_default(EARPHONES)
        said = recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)

        assert sorted(machine.done[2:4]) == ["close in:0", "close out:0"]
        assert machine.done[4] == "renew"
        assert sorted(machine.done[5:]) == ["open in:0", "open out:1"]
        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:1"}
        assert "The loopback is USB Headset (Jabra) now." in [message for _, message in said]
        assert [recorder.inputs.sides[side].losses for side in SIDES] == [0, 0]
        assert recorder.run(5) == []


def test_a_device_that_goes_away_while_the_system_begins_anew_does_not_take_the_other_one_with_it():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True)
    with closing(Recorder(machine)) as recorder:
        machine.plug(EARPHONES)
        machine.make_default(EARPHONES)
        machine.refused.add("in:0")  # as soon as it is let go
        recorder.run(3)
        assert recorder.open_keys == {LOOPBACK: "out:1"}
        machine.refused.clear()
        recorder.run(2)

        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:1"}


def test_a_headset_that_is_plugged_in_takes_over_both_sides():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True)
    with closing(Recorder(machine)) as recorder:
        machine.plug(HEADSET, EARPHONES)
        machine.make_default(HEADSET)
        machine.make_default(EARPHONES)
        recorder.run(2)

        assert recorder.open_keys == {MICROPHONE: "in:1", LOOPBACK: "out:1"}
        assert machine.done.count("renew") == 1


def test_a_name_is_warned_of_again_when_its_device_is_lost_again(machine: Machine):
    with closing(Recorder(machine, microphone="Jabra")) as recorder:
        for _ in range(2):
            machine.unplug(HEADSET)
            assert codes(recorder.run(2)) == ["device_lost", "device_missing", "device_opened"]
            machine.plug(HEADSET)
            assert codes(recorder.run(2)) == ["device_opened"]


def test_a_default_that_refuses_for_a_missing_device_is_said_once():
    machine = Machine([BUILT_IN, SPEAKERS], refused={"in:0"})
    with closing(Recorder(machine, microphone="Jabra")) as recorder:
        recorder.run(10)

        assert sorted(codes(recorder.warnings)) == ["device_missing", "device_unusable", "microphone_missing"]


def test_after_a_new_beginning_the_microphone_is_opened_first():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True)
    with closing(Recorder(machine)) as recorder:
        machine.plug(HEADSET)
        machine.make_default(HEADSET)
        recorder.run(2)

        assert machine.done[-3:] == ["renew", "open in:1", "open out:0"]


def test_a_new_beginning_that_fails_is_a_loss_of_both_sides_and_is_tried_again():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True, failing_renewals=1)
    with closing(Recorder(machine)) as recorder:
        machine.plug(EARPHONES)
        machine.make_default(EARPHONES)
        recorder.run(3)

        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:1"}
        assert codes(recorder.warnings)[:2] == ["device_lost", "device_lost"]
        assert [recorder.inputs.sides[side].losses for side in SIDES] == [1, 1]


def test_a_new_device_that_refuses_behind_a_new_beginning_leaves_both_sides_as_they_were():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True, refused={"out:1"})
    with closing(Recorder(machine)) as recorder:
        machine.plug(EARPHONES)
        machine.make_default(EARPHONES)
        recorder.run(4)

        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:0"}
        assert machine.done.count("renew") == 1  # each one costs both sides
