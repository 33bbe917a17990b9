"""Reads from Linux' /sys how full the batteries are, and whether the processor is hot.

psutil reads the same files and is not used here. It takes the battery of a wireless mouse for that of the
machine, and of two batteries the first. It reads every sensor: some wake a sleeping disk, and on some
laptops one stops the whole machine for a moment, which a recording would hear. It knows no passive limits.

Sources: Documentation/ABI/testing/sysfs-class-power, sysfs-class-thermal and sysfs-class-hwmon of the kernel.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

#: The kernel's names for sensors of processors, and how the names of zones begin.
CHIPS = frozenset({"coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal"})
ZONES = ("x86_pkg_temp", "tcpu", "b0d4", "acpitz", "cpu", "soc")
#: Cooling that makes the processor slower, while its state is above 0.
COOLING = ("processor", "cpufreq", "thermal-cpufreq", "thermal-cpuidle", "intel_powerclamp")
TOO_HOT = frozenset({"passive", "hot", "critical"})
#: In thousandths of a degree Celsius: lower limits are switched off or wrong, and as low as a warm room.
LEAST_LIMIT = 40_000


def discharging_percent(root: Path) -> float | None:
    """Return the charge of the machine's batteries if it runs on them, None if not, or if there are none.

    `root` is /sys.
    """
    supplies = [it for it in _folders(root, "power_supply") if _text(it / "scope") != "device"]
    if any(_text(it / "type") in ("mains", "usb") and _number(it / "online") == 1 for it in supplies):
        return None
    batteries = [it for it in supplies if _text(it / "type") == "battery"]
    states = {_text(it / "status") for it in batteries}
    if "discharging" not in states or "charging" in states:
        return None
    charges = [(_number(it / "capacity"), _size(it)) for it in batteries]
    known = [(percent, size) for percent, size in charges if percent is not None]
    whole = sum(size for _, size in known)
    return sum(percent * size for percent, size in known) / whole if whole else None


def is_hot(root: Path) -> bool:
    """Whether a sensor of the processor has reached a limit of its own, or the kernel slows the processor."""
    return any(_is_over(it) for it in _limits(root)) or any(_is_slowing(it) for it in _cooling(root))


def _size(battery: Path) -> float:
    """Return what a battery holds when it is full, in µWh or µAh; 1 if it says neither."""
    return _number(battery / "energy_full") or _number(battery / "charge_full") or 1.0


def _limits(root: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the files of a temperature and of its limit."""
    for chip in _folders(root, "hwmon"):
        if _text(chip / "name") in CHIPS:
            for temperature in chip.glob("temp*_input"):
                sensor = temperature.name.removesuffix("_input")
                yield from ((temperature, chip / f"{sensor}_{limit}") for limit in ("max", "crit"))
    for zone in _folders(root, "thermal", "thermal_zone"):
        if _text(zone / "type").startswith(ZONES):
            for kind in zone.glob("trip_point_*_type"):
                if _text(kind) in TOO_HOT:
                    yield zone / "temp", zone / f"{kind.name.removesuffix('_type')}_temp"


def _is_over(files: tuple[Path, Path]) -> bool:
    temperature, limit = map(_number, files)
    return temperature is not None and limit is not None and temperature >= limit >= LEAST_LIMIT


def _cooling(root: Path) -> list[Path]:
    devices = _folders(root, "thermal", "cooling_device")
    return [it for it in devices if _text(it / "type").startswith(COOLING)]


def _is_slowing(device: Path) -> bool:
    return (_number(device / "cur_state") or 0) > 0


def _folders(root: Path, kind: str, beginning: str = "") -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(it for it in (root / "class" / kind).iterdir() if it.name.startswith(beginning))
    return []


def _text(path: Path) -> str:
    """Return what a file says, in small letters; nothing if it is not there or its device does not answer."""
    with contextlib.suppress(OSError, ValueError):
        return path.read_text("ascii").strip().lower()
    return ""


def _number(path: Path) -> float | None:
    with contextlib.suppress(ValueError):
        return float(_text(path))
    return None
