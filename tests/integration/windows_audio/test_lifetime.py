"""The audio system's thread, its end, its interface, and a system that is missing."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from capture_worker.audio import source, windows
from capture_worker.audio.source import LOOPBACK, MICROPHONE
from shared.capture_errors import AudioUnavailable, DeviceUnknown
from tests.fake_portaudio import PortAudio, installed, probe
from tests.integration.windows_audio.machine import device, frames, looked, microphone
from tests.windows_machine import Machine


def in_a_thread(life: Callable[[], None]) -> None:
    """Run something in a thread of its own; raise here what it raises there."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            life()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


# Its thread, its end, and when it is not there


def test_a_whole_life_can_be_in_a_thread_that_is_not_the_main_one(
    portaudio: PortAudio, machine: Machine, unpacked: Path
):
    def life() -> None:
        system = windows.System(probe(machine, unpacked))
        for _ in range(2):
            stream = system.open(device(system, MICROPHONE))
            looked(system)
            machine.advance(0.1)
            assert frames(stream) == 4_800
            stream.close()
            system.renew()
        system.open(device(system, LOOPBACK))
        system.close()

    in_a_thread(life)


def test_the_fake_would_object_to_another_thread(machine: Machine, unpacked: Path):
    portaudio = PortAudio(machine)
    with installed(portaudio, unpacked):
        system = windows.System()
        stream = system.open(device(system, MICROPHONE))
        with pytest.raises(AssertionError, match="thread"):
            in_a_thread(lambda: frames(stream) and None)
        system.close()
    assert len(portaudio.faults) == 1


def test_at_its_end_everything_is_closed_and_terminated(
    portaudio: PortAudio, machine: Machine, system: windows.System
):
    for found in looked(system):
        system.open(found)
    machine.unplug(microphone(machine))
    assert len(machine.streams()) == 4
    system.close()

    assert machine.streams() == []
    assert portaudio.initialised == 0
    system.close()
    with pytest.raises(DeviceUnknown):
        system.open(found)


def test_without_wasapi_the_audio_system_is_unavailable_and_left_as_it_was(
    portaudio: PortAudio, machine: Machine
):
    machine.has_wasapi = False

    with pytest.raises(AudioUnavailable, match=r"WASAPI.*Windows Audio"):
        windows.System()
    assert portaudio.initialised == 0


def test_a_system_that_could_not_be_renewed_knows_no_device_and_can_be_renewed_again(
    machine: Machine, system: windows.System
):
    found = device(system, MICROPHONE)
    machine.has_wasapi = False
    with pytest.raises(AudioUnavailable):
        system.renew()
    with pytest.raises(DeviceUnknown):
        system.open(found)

    machine.has_wasapi = True
    system.renew()
    system.open(found)


@pytest.mark.parametrize("is_half_there", [True, False])
def test_a_missing_pyaudiowpatch_is_unavailable_with_a_remedy_and_prints_nothing(
    is_half_there: bool, unpacked: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    portaudio = None if is_half_there else ModuleType("_portaudiowpatch")
    with installed(portaudio, unpacked if is_half_there else tmp_path):
        if not is_half_there:
            sys.modules["pyaudiowpatch"] = None  # type: ignore[assignment]
        with pytest.raises(AudioUnavailable, match=r"pip install pyaudiowpatch"):
            windows.System()

    assert capfd.readouterr().out == ""


def test_pyaudiowpatch_itself_would_print_when_its_c_module_is_missing(
    unpacked: Path, capfd: pytest.CaptureFixture[str]
):
    with installed(None, unpacked), pytest.raises(ImportError):
        __import__("pyaudiowpatch")

    assert "_portaudiowpatch" in capfd.readouterr().out


# The interface


@pytest.mark.parametrize(
    ("protocol", "implementation"),
    [(source.AudioSystem, windows.System), (source.Stream, windows.Stream)],
)
def test_the_methods_are_those_of_the_interface(protocol: type, implementation: type):
    wanted = {name: found for name, found in vars(protocol).items() if _is_public_function(name, found)}
    there = {name: found for name, found in vars(implementation).items() if _is_public_function(name, found)}

    assert len(wanted) >= 2
    assert {name: inspect.signature(found) for name, found in there.items()} == {
        name: inspect.signature(found) for name, found in wanted.items()
    }


def _is_public_function(name: str, found: object) -> bool:
    return inspect.isfunction(found) and not name.startswith("_")
