"""Windows devices that go, come back and change."""

from __future__ import annotations

import pytest

from capture_worker.audio import windows
from capture_worker.audio.source import MICROPHONE
from shared.capture_errors import DeviceLost, DeviceUnknown
from tests.integration.windows_audio.machine import device, frames, looked, microphone
from tests.windows_machine import Machine, Microphone


def test_a_device_that_is_removed_is_lost_at_the_next_read(machine: Machine, system: windows.System):
    stream = system.open(device(system, MICROPHONE))
    machine.advance(0.1)
    assert frames(stream) == 4_800
    machine.unplug(microphone(machine))

    with pytest.raises(DeviceLost, match=r"Microphone \(Realtek\).*unplugged.*-9999"):
        stream.read()
    stream.close()


def test_a_stream_that_is_closed_gives_nothing_and_closes_again(system: windows.System):
    stream = system.open(device(system, MICROPHONE))
    stream.close()
    stream.close()

    with pytest.raises(DeviceLost, match="-9988"):
        stream.read()
    system.close()
    stream.close()


def test_a_device_that_is_plugged_in_later_is_unknown_until_the_system_is_renewed(
    machine: Machine, system: windows.System
):
    looked(system)
    machine.plug(Microphone("Camera", 32_000))
    found = device(system, MICROPHONE, "Camera")
    with pytest.raises(DeviceUnknown, match="Camera"):
        system.open(found)

    system.renew()
    system.open(found)
    machine.advance(0.1)
    assert device(system, MICROPHONE, "Camera") == found


def test_a_device_that_was_lost_and_is_there_again_in_another_place_asks_for_a_renewal(
    machine: Machine, system: windows.System
):
    found = device(system, MICROPHONE, "USB")
    stream = system.open(found)
    machine.unplug(microphone(machine, "USB"))
    with pytest.raises(DeviceLost):
        stream.read()
    stream.close()
    with pytest.raises(DeviceLost):  # nobody has seen it again, so a renewal would not help
        system.open(found)
    machine.plug(Microphone("Headset (USB)", 16_000, 1))
    assert found in looked(system)
    with pytest.raises(DeviceUnknown):
        system.open(found)

    system.renew()
    system.open(found)


def test_a_device_that_was_held_by_another_program_while_it_was_recorded_asks_for_one_renewal_and_no_more(
    machine: Machine, system: windows.System
):
    found = device(system, MICROPHONE)
    stream = system.open(found)
    machine.hold(microphone(machine))
    with pytest.raises(DeviceLost):
        stream.read()
    stream.close()
    looked(system)
    with pytest.raises(DeviceUnknown):
        system.open(found)
    system.renew()
    for _ in range(3):
        looked(system)
        with pytest.raises(DeviceLost):
            system.open(found)


def test_a_device_that_came_back_and_was_opened_is_like_any_other(machine: Machine, system: windows.System):
    found, endpoint = device(system, MICROPHONE, "USB"), microphone(machine, "USB")
    stream = system.open(found)
    machine.unplug(endpoint)
    with pytest.raises(DeviceLost):
        stream.read()
    stream.close()
    machine.plug(endpoint)
    assert found in looked(system)
    system.open(found).close()
    looked(system)

    machine.hold(endpoint)
    with pytest.raises(DeviceLost):
        system.open(found)


def test_a_renewal_with_a_stream_open_is_refused(system: windows.System):
    system.open(device(system, MICROPHONE))

    with pytest.raises(AssertionError, match="every stream"):
        system.renew()
