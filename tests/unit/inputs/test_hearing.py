"""What is heard of several channels."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from capture_worker.audio.source import LOOPBACK, MICROPHONE
from tests.unit.inputs.machine import BUILT_IN, SPEAKERS, Machine, Recorder

# What is heard


def test_all_channels_are_heard_with_equal_weight(machine: Machine, recorder: Recorder):
    machine.heard = {"in:0": [[1.0, 0.0], [0.5, -0.5], [-0.25, -0.75]], "out:0": [[0.0, 1.0]]}
    recorder.run(0.1)

    microphone, loopback = recorder.heard
    assert microphone.samples.tolist() == [0.5, 0.0, -0.5]
    assert loopback.samples.tolist() == [0.5]
    assert microphone.samples.dtype == np.float32
    assert [(heard.side, heard.arrived_seconds, heard.rate_hz) for heard in recorder.heard] == [
        (MICROPHONE, 1_000.0, 48_000),
        (LOOPBACK, 1_000.0, 48_000),
    ]


def test_one_channel_is_heard_as_it_is(machine: Machine):
    with closing(Recorder(machine, microphone="Jabra", loopback="none")) as recorder:
        machine.heard = {"in:1": [[0.25], [-0.75]]}
        recorder.run(0.1)

        (heard,) = recorder.heard
        assert heard.samples.tolist() == [0.25, -0.75]
        assert heard.samples.shape == (2,)
        assert heard.rate_hz == 16_000


@pytest.mark.parametrize(("bad", "heard"), [(np.nan, 0.0), (np.inf, 1.0), (-np.inf, -1.0)])
def test_a_sample_that_is_no_number_becomes_one(
    machine: Machine, recorder: Recorder, bad: float, heard: float
):
    machine.heard = {"in:0": [[0.5, 0.5], [bad, 0.0], [0.25, 0.25]]}

    (found,) = recorder.inputs.read()

    assert found.samples.tolist() == [0.5, heard, 0.25]


def test_a_side_that_has_nothing_to_say_says_nothing(machine: Machine, recorder: Recorder):
    machine.heard = {"out:0": [[0.1, 0.1]]}
    recorder.run(1)

    assert [heard.side for heard in recorder.heard] == [LOOPBACK]


# When the audio system ends, or has to begin anew


def test_a_voice_on_the_front_of_a_surround_device_is_as_loud_as_on_a_stereo_one():
    surround = replace(BUILT_IN, channels=8)
    machine = Machine([surround, SPEAKERS])
    with closing(Recorder(machine)) as recorder:
        machine.heard = {"in:0": [[0.5, 0.5, 0, 0, 0, 0, 0, 0], [1.0] * 8]}

        (found,) = recorder.inputs.read()

        assert found.samples.tolist() == [0.5, 1.0]
