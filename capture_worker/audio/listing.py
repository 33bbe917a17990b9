"""Prints the audio devices of this machine as JSON: `python -m capture_worker.audio.listing`."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import asdict

from capture_worker.audio import open_system
from capture_worker.audio.source import Device
from shared import streams
from shared.capture_errors import AudioUnavailable
from shared.errors import OffhookError


def to_json(devices: list[Device]) -> str:
    """Return devices as one line of ASCII: a pipe on Windows may have another encoding."""
    return json.dumps([asdict(device) for device in devices])


def from_json(text: str | bytes) -> list[Device]:
    """Read the output of `to_json`. Raises ValueError or TypeError if it is anything else."""
    return [Device(**row) for row in json.loads(text)]


def main() -> int:
    """Print the devices, or the reason on stderr in one line; return the exit code."""
    streams.complete()
    try:
        with closing(open_system({})) as system:
            devices = system.look()
        if devices is None:
            raise AudioUnavailable("The audio system does not say which devices it has.")
    except (OffhookError, OSError) as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return 1
    sys.stdout.write(to_json(devices) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
