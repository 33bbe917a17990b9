"""The frames that come from a Windows device."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from capture_worker.audio import windows
from capture_worker.audio.source import LOOPBACK, MICROPHONE
from capture_worker.clock import steady_seconds
from tests.fake_portaudio import faultless
from tests.integration.windows_audio.machine import device, frames, looked, render
from tests.windows_machine import Machine, Microphone, tone


def test_frames_come_as_they_were_played_for_every_channel_with_the_moment_they_were_there(
    machine: Machine, system: windows.System
):
    left, right = tone(300, 0.5), tone(500, 0.25)
    start = machine.clock()
    machine.play(render(machine), lambda seconds: np.stack([left(seconds), right(seconds)], axis=1))
    stream = system.open(device(system, LOOPBACK))
    machine.advance(0.5)
    block = stream.read()

    assert block is not None
    assert block.arrived_seconds == machine.clock()
    assert block.frames.dtype == np.float32
    seconds = start + np.arange(24_000) / 48_000
    played = np.stack([left(seconds), right(seconds)], axis=1)
    assert np.abs(block.frames - played).max() < 1e-6


def test_the_moment_is_one_of_the_recordings_clock(unpacked: Path):
    machine = Machine(Microphone("Microphone"), clock=steady_seconds)
    with faultless(machine, unpacked):
        system = windows.System()
        stream = system.open(device(system, MICROPHONE))
        time.sleep(0.05)
        before = steady_seconds()
        block = stream.read()
        assert block is not None
        assert before <= block.arrived_seconds <= steady_seconds()
        system.close()


def test_a_mix_beyond_full_scale_stays_within_it_and_can_be_changed(machine: Machine, system: windows.System):
    machine.play(render(machine), tone(level=3.0))
    stream = system.open(device(system, LOOPBACK))
    machine.advance(0.1)
    block = stream.read()

    assert block is not None
    assert np.abs(block.frames).max() == 1.0
    assert block.frames.flags.writeable


def test_a_loopback_without_anything_that_plays_is_silence_and_no_failure(
    machine: Machine, system: windows.System
):
    stream = system.open(device(system, LOOPBACK))
    for _ in range(100):
        machine.advance(1.0)
        assert stream.read() is None

    machine.play(render(machine))
    machine.advance(0.1)
    assert frames(stream) == 4_800
    machine.pause(render(machine))
    machine.advance(10.0)
    assert stream.read() is None


def test_all_that_is_there_is_read_and_never_more(machine: Machine, system: windows.System):
    stream = system.open(device(system, MICROPHONE))
    came = 0
    for step_ms in (10, 3, 4, 20, 15, 0, 700, 1_000, 248):
        machine.advance(step_ms / 1000)
        came += frames(stream)
        assert stream.read() is None

    assert came == 2 * 48_000


def test_a_delay_of_two_seconds_loses_nothing_and_a_longer_one_loses_without_a_failure(
    machine: Machine, system: windows.System
):
    stream = system.open(device(system, MICROPHONE))
    machine.advance(2.0)
    assert frames(stream) == 2 * 48_000
    machine.advance(60.0)
    assert frames(stream) == 2 * 48_000


def test_the_default_moves_away_and_only_a_look_tells_for_the_old_stream_stays_alive(
    machine: Machine, system: windows.System
):
    machine.play(render(machine, "Speakers"))
    stream = system.open(device(system, LOOPBACK))
    machine.pause(render(machine, "Speakers"))
    machine.make_default(render(machine, "Headset"))
    machine.play(render(machine, "Headset"))
    machine.advance(5.0)

    assert stream.read() is None
    (found,) = [found for found in looked(system) if found.side == LOOPBACK and found.is_default]
    assert found.name == "Headset (USB)"
    following = system.open(found)
    machine.advance(0.1)
    assert frames(following) == 4_410
