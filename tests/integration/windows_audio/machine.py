"""A Windows machine with devices: pyaudiowpatch's own Python over a fake of its C module."""

from __future__ import annotations

from capture_worker.audio import windows
from capture_worker.audio.source import Device
from tests.windows_machine import Machine, Microphone, Render


def looked(system: windows.System) -> list[Device]:
    devices = system.look()
    assert devices is not None
    return devices


def device(system: windows.System, side: str, name: str = "") -> Device:
    """The first device of a side whose name has this in it, as a look shows it."""
    return next(found for found in looked(system) if found.side == side and name in found.name)


def render(machine: Machine, name: str = "Speakers") -> Render:
    return next(e for e in machine.endpoints if isinstance(e, Render) and name in e.name)


def microphone(machine: Machine, name: str = "Microphone") -> Microphone:
    return next(e for e in machine.endpoints if isinstance(e, Microphone) and name in e.name)


def frames(stream: windows.Stream) -> int:
    block = stream.read()
    return 0 if block is None else len(block.frames)
