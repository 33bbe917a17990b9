"""The audio devices of this machine: one interface (`source.py`), one module per system, one switch."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping

from capture_worker.audio import replay
from capture_worker.audio.source import AudioSystem

MODULES = {"win32": "windows", "linux": "linux"}


def open_system(wanted: Mapping[str, str]) -> AudioSystem:
    """Open the audio system that has the wanted devices, by side. Raises AudioUnavailable."""
    if wanted and set(wanted.values()) == {"none"}:  # no sound system is needed
        return replay.System(wanted)
    if any(name.startswith(replay.PREFIX) for name in wanted.values()):
        return replay.System(wanted)
    name = MODULES.get(sys.platform, "portable")
    system: AudioSystem = importlib.import_module(f"{__name__}.{name}").System()
    return system
