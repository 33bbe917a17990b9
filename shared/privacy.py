"""Switches off the telemetry of libraries, and core dumps, which would contain audio."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress

#: Read by onnxruntime and huggingface_hub when they are imported; the last one is a common convention.
TELEMETRY_OFF = {"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}


def stop_telemetry(environ: MutableMapping[str, str] = os.environ) -> None:
    """Switch off the telemetry of libraries for this process and its children, before they are imported."""
    environ.update(TELEMETRY_OFF)


def telemetry_is_off(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether telemetry is off for this process and its children."""
    return TELEMETRY_OFF.items() <= environ.items()


def forbid_core_dumps() -> None:
    """Disable core dumps of this process: they would contain audio. Windows writes none by default."""
    if sys.platform == "win32":
        return
    import resource

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
