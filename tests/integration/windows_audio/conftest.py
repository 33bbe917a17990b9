"""pyaudiowpatch's own Python over a fake of its C module that keeps PortAudio's contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from capture_worker.audio import windows
from tests.fake_portaudio import PortAudio, faultless, probe, wheel
from tests.windows_machine import Machine, Microphone, Render


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of pyaudiowpatch for Windows."""
    return wheel(tmp_path_factory.getbasetemp() / "pyaudiowpatch")


@pytest.fixture
def machine() -> Machine:
    """A laptop with loudspeakers, a headset on USB and a microphone of its own."""
    return Machine(
        Render("Speakers (Realtek)"),
        Render("Headset (USB)", 44_100),
        Microphone("Microphone (Realtek)", 48_000, 2),
        Microphone("Headset (USB)", 16_000, 1),
    )


@pytest.fixture
def portaudio(machine: Machine, unpacked: Path) -> Iterator[PortAudio]:
    """PortAudio in this process; no process may break its contract or leave anything behind."""
    with faultless(machine, unpacked) as portaudio:
        yield portaudio


@pytest.fixture
def system(portaudio: PortAudio, machine: Machine, unpacked: Path) -> Iterator[windows.System]:
    """The audio system, with an probe whose looks take no time."""
    system = windows.System(probe(machine, unpacked), clock=machine.clock)
    yield system
    system.close()
