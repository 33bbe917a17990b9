"""Which devices Windows has, and which are the default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from capture_worker.audio import windows
from capture_worker.audio.source import LOOPBACK, MICROPHONE
from tests.fake_portaudio import faultless
from tests.integration.windows_audio.machine import frames, looked, microphone, render
from tests.windows_machine import Machine, Microphone, Render


def test_what_plays_is_heard_through_its_loopback_and_microphones_are_themselves(system: windows.System):
    assert [(found.side, found.name, found.rate_hz, found.channels) for found in looked(system)] == [
        (MICROPHONE, "Microphone (Realtek)", 48_000, 2),
        (MICROPHONE, "Headset (USB)", 16_000, 1),
        (LOOPBACK, "Speakers (Realtek)", 48_000, 2),
        (LOOPBACK, "Headset (USB)", 44_100, 2),
    ]


def test_the_defaults_are_the_default_microphone_and_the_loopback_of_the_default_output(
    machine: Machine, system: windows.System
):
    defaults = [(found.side, found.name) for found in looked(system) if found.is_default]
    assert defaults == [(MICROPHONE, "Microphone (Realtek)"), (LOOPBACK, "Speakers (Realtek)")]

    machine.make_default(render(machine, "Headset"))
    machine.make_default(microphone(machine, "Headset"))
    defaults = [(found.side, found.name) for found in looked(system) if found.is_default]
    assert defaults == [(MICROPHONE, "Headset (USB)"), (LOOPBACK, "Headset (USB)")]


@pytest.mark.parametrize(
    "endpoints", [[], [Microphone("Only a microphone")], [Render("Only loudspeakers")]], ids=len
)
def test_a_machine_without_a_default_is_listed(endpoints: list[Any], unpacked: Path):
    with faultless(Machine(*endpoints), unpacked):
        system = windows.System()
        assert [(found.name, found.is_default) for found in looked(system)] == [
            (endpoint.name, True) for endpoint in endpoints
        ]
        system.close()


def test_two_devices_of_one_name_have_two_keys_and_the_default_is_the_right_one(unpacked: Path):
    first, second = Render("Monitor", 44_100), Render("Monitor", 48_000)
    machine = Machine(first, second, Render("Monitor (more)"))
    machine.make_default(second)
    with faultless(machine, unpacked):
        system = windows.System()
        devices = looked(system)
        assert len({found.key for found in devices}) == 3
        assert [found.rate_hz for found in devices if found.is_default] == [48_000]

        machine.play(second)
        streams = [system.open(found) for found in devices[:2]]
        machine.advance(0.1)
        assert [frames(stream) for stream in streams] == [0, 4_800]
        system.close()


def test_keys_stay_while_indices_change(machine: Machine, system: windows.System):
    before = {found.key for found in looked(system)}
    machine.unplug(render(machine, "Speakers"))
    system.renew()
    after = {found.key for found in looked(system)}

    assert len(after) == 3
    assert after < before
