"""Whether the machine itself should be spared: its battery is nearly empty, or it is hot.

On Linux the kernel's files are read (`sys_files`). Windows and macOS are asked about the battery, by psutil;
neither tells a program how hot the processor is without a driver or the rights of an administrator.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

from transcribe_worker.live import sys_files

if sys.platform != "linux":
    import psutil

#: The folder in which Linux shows devices.
SYS = Path("/sys")
BATTERY_LOW, HOT = "battery_low", "hot"
#: Charge in percent; with this little, the rest of the battery is for the call.
LOW_PERCENT = 20


class Battery(Protocol):
    """What psutil says of a battery; `power_plugged` is None if the system does not know."""

    @property
    def percent(self) -> float: ...

    @property
    def power_plugged(self) -> bool | None: ...


def trouble() -> str | None:
    """Return `battery_low`, `hot`, or None: also where the system says nothing. Takes a few milliseconds."""
    if sys.platform != "linux":
        return BATTERY_LOW if is_low(_battery()) else None
    charge = sys_files.discharging_percent(SYS)
    if charge is not None and charge <= LOW_PERCENT:
        return BATTERY_LOW
    return HOT if sys_files.is_hot(SYS) else None


def is_low(battery: Battery | None) -> bool:
    """Whether a battery is nearly empty, and nothing charges it."""
    return battery is not None and battery.power_plugged is False and battery.percent <= LOW_PERCENT


if sys.platform != "linux":

    def _battery() -> Battery | None:
        try:
            found: Battery | None = psutil.sensors_battery()
        except (OSError, RuntimeError):  # the system does not answer
            return None
        return found
