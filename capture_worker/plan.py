"""The plan of a recording: devices, layout, and when it stops by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from capture_worker.audio.source import LOOPBACK, MICROPHONE
from capture_worker.inputs import DEFAULT
from capture_worker.mixer import LAYOUTS
from shared.capture_errors import BadRequest
from shared.settings import Settings


@dataclass(frozen=True)
class Plan:
    """Which devices to record, and when to stop automatically."""

    microphone: str = DEFAULT
    loopback: str = DEFAULT
    layout: str = "mono"
    longest_seconds: float = 12 * 3600.0
    silence_seconds: float = 0.0  # 0: never
    silence_dbfs: float = -50.0

    @classmethod
    def of(cls, settings: Settings) -> Plan:
        """Return the plan of the settings."""
        return cls(
            microphone=settings.microphone,
            loopback=settings.loopback,
            layout=settings.layout,
            longest_seconds=settings.longest_recording_minutes * 60,
            silence_seconds=settings.stop_after_silence_minutes * 60,
            silence_dbfs=settings.silence_dbfs,
        )

    @property
    def wanted(self) -> dict[str, str]:
        """The device wanted for each side."""
        return {MICROPHONE: self.microphone, LOOPBACK: self.loopback}

    def changed(self, **given: str | None) -> Self:
        """Return the plan with the devices and the layout that are given for one recording.

        Raises BadRequest for an unknown layout.
        """
        chosen = {name: value for name, value in given.items() if value is not None}
        if chosen.get("layout", self.layout) not in LAYOUTS:
            raise BadRequest(f"layout is one of: {', '.join(LAYOUTS)}.")
        return replace(self, **chosen)  # type: ignore[arg-type]
