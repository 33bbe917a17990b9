"""Which devices there are, and which of them would be recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capture_worker import audio
from capture_worker.audio.source import SIDES
from capture_worker.inputs import OpenSystem, choose


def check_devices(wanted: Mapping[str, str], open_system: OpenSystem = audio.open_system) -> dict[str, Any]:
    """Look at the devices of this machine in the calling thread. Raises AudioUnavailable."""
    system = open_system(wanted)
    try:
        found = system.look() or []
    finally:
        system.close()
    chosen = {side: choose(found, side, wanted[side]) for side in SIDES}
    described = {side: vars(device) if device else None for side, device in chosen.items()}
    return {**described, "devices": [vars(device) for device in found]}
