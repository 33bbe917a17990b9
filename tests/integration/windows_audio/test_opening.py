"""How a Windows device is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture_worker.audio import windows
from capture_worker.audio.source import LOOPBACK, MICROPHONE
from shared.capture_errors import DeviceLost, DeviceUnknown
from tests.fake_portaudio import CONSTANTS, PortAudio, faultless, probe
from tests.integration.windows_audio.machine import device, looked, microphone, render
from tests.windows_machine import Machine, Microphone, Render


def test_a_device_is_opened_through_wasapi_as_it_is_with_a_buffer_of_a_second(
    portaudio: PortAudio, system: windows.System
):
    devices = looked(system)
    for found in devices:
        assert system.open(found).device == found

    assert [
        (how["rate"], how["channels"], how["format"], how["input"], how["output"], how["frames_per_buffer"])
        for how in portaudio.opened
    ] == [
        (found.rate_hz, found.channels, CONSTANTS["paFloat32"], True, False, found.rate_hz)
        for found in devices
    ]
    apis = {portaudio.rows[how["input_device_index"]][0].hostApi for how in portaudio.opened}
    assert [portaudio.apis[api].name for api in apis] == ["Windows WASAPI"]
    assert not any("stream_callback" in how for how in portaudio.opened)


def test_a_device_that_is_held_by_another_program_is_lost_and_the_message_says_so(
    machine: Machine, system: windows.System
):
    found = device(system, LOOPBACK)
    for code in (-9996, -9999):
        machine.hold(render(machine), code)
        with pytest.raises(DeviceLost, match=rf"Speakers.*another program.*exclusive.*{code}"):
            system.open(found)
    machine.release(render(machine))

    system.open(found)


def test_a_device_that_opens_and_does_not_start_is_lost_and_leaves_no_stream(
    machine: Machine, system: windows.System
):
    found = device(system, MICROPHONE)
    microphone(machine).refuses_to_start = True

    with pytest.raises(DeviceLost, match="-9999"):
        system.open(found)
    assert machine.streams() == []
    system.renew()


@pytest.mark.parametrize("call_format", [(16_000, 2), (48_000, 1), (16_000, 1)])
def test_a_headset_whose_microphone_opens_is_opened_again_in_its_new_format(
    unpacked: Path, call_format: tuple[int, int]
):
    machine = Machine(Render("Bluetooth"), Microphone("Bluetooth", 16_000))
    render(machine, "Bluetooth").headset = microphone(machine, "Bluetooth")
    render(machine, "Bluetooth").call_format = call_format
    machine.play(render(machine, "Bluetooth"))
    with faultless(machine, unpacked):
        system = windows.System(probe(machine, unpacked))
        before = looked(system)
        for found in before:
            if found.side == MICROPHONE:
                system.open(found)
        (old,) = [found for found in before if found.side == LOOPBACK]
        with pytest.raises(DeviceLost, match="its sample rate or channels have changed"):
            system.open(old)
        stream = system.open(device(system, LOOPBACK))
        machine.advance(0.1)
        block = stream.read()
        assert block is not None
        assert block.frames.shape == (call_format[0] // 10, call_format[1])
        system.close()


def test_an_index_beyond_the_list_is_never_passed_on(
    machine: Machine, portaudio: PortAudio, system: windows.System
):
    devices = looked(system)
    portaudio.rows = portaudio.rows[:3]

    for found in devices:
        with pytest.raises(DeviceUnknown):
            system.open(found)
    assert portaudio.opened == []
