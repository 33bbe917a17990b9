"""Lists the audio devices of this machine, and names those that would be recorded."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from capture_worker import audio
from capture_worker.audio.device_probe import LISTING, PATIENCE_SECONDS, ROOT
from capture_worker.audio.listing import from_json
from capture_worker.audio.replay import PREFIX
from capture_worker.audio.source import SIDES, Device
from capture_worker.inputs import DEFAULT, NONE, OpenSystem, choose, is_named, plain_name
from shared.capture_errors import AudioUnavailable
from shared.errors import in_words
from shared.windows import CREATE_NO_WINDOW, creation_flags


def check_devices(
    wanted: Mapping[str, str], open_system: OpenSystem = audio.open_system, *, apart: bool = False
) -> dict[str, Any]:
    """List the devices of this machine, and name those that would be recorded.

    With `apart` a child process lists them. On Windows an audio system belongs to the thread that opened it,
    and its list is frozen, so a process that records asks a child. If the audio system cannot be reached,
    there are no devices and `reason` says why; else `reason` is None.
    """
    replayed = any(name.startswith(PREFIX) for name in wanted.values())
    try:
        found = _apart() if apart and not replayed else _here(wanted, open_system)
    except AudioUnavailable as error:
        return {**dict.fromkeys(SIDES), "devices": [], "reason": str(error)}
    chosen = {side: choose(found, side, plain_name(wanted[side])) for side in SIDES}
    described = {side: vars(device) if device else None for side, device in chosen.items()}
    return {**described, "devices": [vars(device) for device in found], "reason": None}


def substitutes(wanted: Mapping[str, str], checked: Mapping[str, Any]) -> dict[str, str]:
    """Say for each side whose wanted device is missing what would be recorded instead."""
    devices = {side: Device(**checked[side]) for side in SIDES if checked[side]}
    named = {side: plain_name(wanted[side]) for side in devices}
    return {
        side: f"There is no {side} {named[side]!r}: {device.name} would be recorded instead."
        for side, device in devices.items()
        if named[side] not in (DEFAULT, NONE) and not is_named(device, named[side])
    }


def _here(wanted: Mapping[str, str], open_system: OpenSystem) -> list[Device]:
    with closing(open_system(wanted)) as system:
        return system.look() or []


def _apart() -> list[Device]:
    try:
        done = subprocess.run(
            LISTING,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            creationflags=creation_flags(CREATE_NO_WINDOW),
        )
        if done.returncode == 0:
            return from_json(done.stdout)
        raise AudioUnavailable(done.stderr.decode(errors="replace").strip() or None)
    except (OSError, subprocess.TimeoutExpired, ValueError, TypeError) as error:
        raise AudioUnavailable(f"The audio devices cannot be listed: {in_words(error)}.") from error
