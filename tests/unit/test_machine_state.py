"""Whether the machine should be spared, over files as kernels have them in /sys, and answers of psutil."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from transcribe_worker.live import machine_state
from transcribe_worker.live.machine_state import is_low, trouble
from transcribe_worker.live.sys_files import discharging_percent, is_hot

Files = dict[str, str]
LAPTOP: Files = {
    "power_supply/AC/type": "Mains",
    "power_supply/AC/online": "0",
    "power_supply/BAT0/type": "Battery",
    "power_supply/BAT0/status": "Discharging",
    "power_supply/BAT0/capacity": "20",
    "power_supply/BAT0/energy_full": "50000000",
    "hwmon/hwmon0/name": "coretemp",
    "hwmon/hwmon0/temp1_input": "62000",
    "hwmon/hwmon0/temp1_max": "84000",
    "hwmon/hwmon0/temp1_crit": "100000",
    "thermal/thermal_zone0/type": "acpitz",
    "thermal/thermal_zone0/temp": "62000",
    "thermal/thermal_zone0/trip_point_0_type": "critical",
    "thermal/thermal_zone0/trip_point_0_temp": "105000",
    "thermal/thermal_zone0/trip_point_1_type": "passive",
    "thermal/thermal_zone0/trip_point_1_temp": "88000",
    "thermal/cooling_device0/type": "Processor",
    "thermal/cooling_device0/cur_state": "0",
}
MOUSE: Files = {
    "power_supply/hidpp_battery_0/type": "Battery",
    "power_supply/hidpp_battery_0/scope": "Device",
    "power_supply/hidpp_battery_0/status": "Discharging",
    "power_supply/hidpp_battery_0/capacity": "5",
}
SECOND_BATTERY: Files = {
    "power_supply/BAT1/type": "Battery",
    "power_supply/BAT1/status": "Not charging",
    "power_supply/BAT1/capacity": "80",
    "power_supply/BAT1/energy_full": "25000000",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "sys"


def write(root: Path, files: Files) -> Path:
    """Write files as the kernel has them, each with the end of its line."""
    for name, text in files.items():
        path = root / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", "ascii")
    return root


# Batteries


@pytest.mark.parametrize(
    ("changes", "percent"),
    [
        ({}, 20),
        ({"power_supply/AC/online": "1"}, None),
        ({"power_supply/BAT0/status": "Charging"}, None),
        ({"power_supply/BAT0/status": "Full", "power_supply/BAT0/capacity": "100"}, None),
        ({"power_supply/BAT0/status": "Unknown"}, None),
        ({"power_supply/usbc/type": "USB", "power_supply/usbc/online": "1"}, None),
        (MOUSE, 20),
        (SECOND_BATTERY, 40),
        (SECOND_BATTERY | {"power_supply/BAT1/status": "Charging"}, None),
        ({"power_supply/BAT0/capacity": "many"}, None),
    ],
)
def test_the_charge_is_that_of_all_batteries_that_the_machine_runs_on(
    root: Path, changes: Files, percent: float | None
) -> None:
    assert discharging_percent(write(root, LAPTOP | changes)) == percent


def test_the_battery_of_a_mouse_is_not_that_of_the_machine(root: Path) -> None:
    assert discharging_percent(write(root, MOUSE)) is None


# Heat


@pytest.mark.parametrize(
    "changes",
    [
        {"hwmon/hwmon0/temp1_input": "84000"},
        {"hwmon/hwmon0/temp2_input": "101000", "hwmon/hwmon0/temp2_crit": "100000"},
        {"thermal/thermal_zone0/temp": "88000"},
        {
            "thermal/thermal_zone1/type": "cpu-thermal",
            "thermal/thermal_zone1/temp": "95500",
            "thermal/thermal_zone1/trip_point_0_type": "passive",
            "thermal/thermal_zone1/trip_point_0_temp": "95000",
        },
        {"thermal/cooling_device0/cur_state": "3"},
        {"thermal/cooling_device7/type": "cpufreq-cpu0", "thermal/cooling_device7/cur_state": "1"},
    ],
)
def test_a_processor_at_a_limit_or_slowed_by_the_kernel_is_hot(root: Path, changes: Files) -> None:
    assert not is_hot(write(root, LAPTOP))
    assert is_hot(write(root, changes))


@pytest.mark.parametrize(
    "changes",
    [
        # A pin of the board without a sensor, and a disk.
        {"name": "nct6775", "temp1_input": "127000", "temp1_max": "80000"},
        {"name": "nvme", "temp1_input": "85000", "temp1_max": "80000"},
        # Limits that are switched off.
        {"name": "coretemp", "temp1_input": "50000", "temp1_max": "0"},
        {"name": "coretemp", "temp1_input": "27800", "temp1_crit": "20800"},
        {"name": "coretemp", "temp1_input": "90000"},
        {"name": "coretemp", "temp1_input": "", "temp1_max": "80000"},
    ],
)
def test_other_sensors_and_limits_that_are_none_say_nothing(root: Path, changes: Files) -> None:
    files = {f"hwmon/hwmon3/{name}": text for name, text in changes.items()}
    assert not is_hot(write(root, LAPTOP | files))


@pytest.mark.parametrize(
    "changes",
    [
        {"trip_point_0_type": "active", "trip_point_0_temp": "50000"},  # a fan turns
        {"trip_point_0_type": "passive", "trip_point_0_temp": "0"},
        {"trip_point_0_type": "passive", "trip_point_0_temp": "-274000"},
        {"type": "iwlwifi_1", "trip_point_0_type": "passive", "trip_point_0_temp": "60000"},
        {"trip_point_0_type": "passive"},
    ],
)
def test_other_limits_of_a_zone_say_nothing(root: Path, changes: Files) -> None:
    zone = {"type": "x86_pkg_temp", "temp": "70000"} | changes
    files = {f"thermal/thermal_zone2/{name}": text for name, text in zone.items()}
    fan = {"thermal/cooling_device2/type": "Fan", "thermal/cooling_device2/cur_state": "1"}
    assert not is_hot(write(root, LAPTOP | files | fan))


# Both


@pytest.mark.skipif(sys.platform != "linux", reason="/sys is Linux' own")
@pytest.mark.parametrize(
    ("percent", "celsius", "expected"),
    [(20, 90, "battery_low"), (21, 90, "hot"), (21, 70, None), (20, 70, "battery_low")],
)
def test_a_nearly_empty_battery_is_named_before_the_heat(
    root: Path, monkeypatch: pytest.MonkeyPatch, percent: int, celsius: int, expected: str | None
) -> None:
    changes = {"power_supply/BAT0/capacity": str(percent), "hwmon/hwmon0/temp1_input": f"{celsius}000"}
    monkeypatch.setattr(machine_state, "SYS", write(root, LAPTOP | changes))
    assert trouble() == expected


def test_a_machine_that_says_nothing_has_no_trouble(root: Path) -> None:
    assert discharging_percent(root) is None
    assert not is_hot(root)


def test_this_machine_answers() -> None:
    assert trouble() in (None, "battery_low", "hot")


# Windows and macOS


class Battery(NamedTuple):
    """What `psutil.sensors_battery` returns."""

    percent: float
    secsleft: int
    power_plugged: bool | None


@pytest.mark.parametrize(
    ("battery", "expected"),
    [
        (Battery(20, 1_800, False), True),
        (Battery(21, 1_800, False), False),
        (Battery(5, -2, True), False),
        (Battery(5, -1, None), False),
        (Battery(255, -1, False), False),  # Windows does not know
        (None, False),
    ],
)
def test_psutil_is_asked_whether_a_nearly_empty_battery_is_plugged_in(
    battery: Battery | None, expected: bool
) -> None:
    assert is_low(battery) is expected
