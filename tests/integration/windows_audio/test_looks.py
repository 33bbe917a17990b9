"""Looks at the devices in another process."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture_worker.audio import listing, windows
from capture_worker.audio.source import LOOPBACK, MICROPHONE, Device
from shared.capture_errors import DeviceLost
from tests.fake_portaudio import PortAudio, installed, probe
from tests.integration.windows_audio.machine import device, looked, microphone
from tests.windows_machine import Machine, Microphone, Render


def test_the_first_look_is_at_the_own_list_and_every_later_one_is_another_process(
    machine: Machine, system: windows.System
):
    looked(system)
    assert len(machine.processes) == 1
    machine.plug(Render("Projector"))
    assert device(system, LOOPBACK, "Projector")
    assert len(machine.processes) == 2

    system.renew()
    assert device(system, LOOPBACK, "Projector")
    assert len(machine.processes) == 2


def test_while_a_look_runs_nothing_is_known_and_a_renewal_forgets_it(
    portaudio: PortAudio, machine: Machine, unpacked: Path
):
    system = windows.System(probe(machine, unpacked, seconds=0.5, every_seconds=15.0))
    before = looked(system)
    assert system.look() is None
    machine.advance(0.5)
    assert system.look() == before
    assert system.look() is None
    machine.advance(0.5)
    assert system.look() is None
    machine.plug(Microphone("Camera"))
    system.renew()
    assert device(system, MICROPHONE, "Camera")
    machine.advance(0.5)
    assert system.look() is None
    system.close()


def test_a_loss_is_followed_by_a_look_at_once(portaudio: PortAudio, machine: Machine, unpacked: Path):
    system = windows.System(probe(machine, unpacked, every_seconds=15.0))
    stream = system.open(device(system, MICROPHONE))
    for _ in range(60):
        system.look()
        machine.advance(1.0)
    assert system.look()
    assert system.look() is None
    machine.unplug(microphone(machine))
    with pytest.raises(DeviceLost):
        stream.read()
    stream.close()

    (found,) = [found for found in looked(system) if found.side == MICROPHONE and found.is_default]
    assert found.name == "Headset (USB)"
    system.close()


def test_a_list_is_read_back_as_it_was_written(system: windows.System):
    devices = [*looked(system), Device(LOOPBACK, "Zoë's 耳机 [Loopback]", "x", 8_000, 1)]

    assert listing.to_json(devices).isascii()
    assert listing.from_json(listing.to_json(devices)) == devices


def test_the_listing_prints_the_devices_and_lets_the_audio_system_go(
    portaudio: PortAudio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(listing, "open_system", lambda wanted: windows.System())

    assert listing.main() == 0
    assert [found.side for found in listing.from_json(capsys.readouterr().out)] == [
        *(MICROPHONE, MICROPHONE),
        *(LOOPBACK, LOOPBACK),
    ]


def test_a_listing_that_cannot_be_made_is_one_line_on_stderr(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(listing, "open_system", lambda wanted: windows.System())

    with installed(None, unpacked):
        assert listing.main() == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.count("\n") == 1
    assert "pip install" in written.err
