"""Which tests run one after another in one process, when several processes run the tests."""

from __future__ import annotations

from pathlib import PurePath

import pytest

#: Sound servers and devices lose sound while several of them compete for the processors.
SOUND_FIXTURES = frozenset({"server"})
SOUND_FILES = frozenset(
    {
        "acceptance/test_recorded_calls.py",
        "faults/test_devices.py",
        "integration/desk/test_recorder_page.py",
        "integration/test_portable_audio.py",
        "integration/test_pulse_capture.py",
    }
)
#: Disks are mounted and filled, clocks are set.
SYSTEM_FILES = frozenset({"faults/test_storage.py", "integration/storage/test_refusals.py"})
#: The long ones begin first, so that no process waits for another one at the end.
ORDER = ("faults", "acceptance", "integration", "unit")


def group_of(item: pytest.Item) -> str:
    """The group of a test: sound, system, one of acceptance's shared workers, or its file."""
    place = PurePath(item.path)
    file = "/".join(place.parts[place.parts.index("tests") + 1 :]) if "tests" in place.parts else place.name
    fixtures = set(getattr(item, "fixturenames", ()))
    if file in SOUND_FILES or fixtures & SOUND_FIXTURES:
        return "sound"
    if file in SYSTEM_FILES:
        return "system"
    if file.startswith("acceptance/") and "offhook" in fixtures:
        return "acceptance"
    return file


def arrange(items: list[pytest.Item]) -> None:
    """Give each test its group and put the long ones first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, folder in enumerate(ORDER) if folder in item.path.parts), len(ORDER))
