"""The device probe, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capture_worker.audio import listing
from capture_worker.audio.device_probe import DeviceProbe
from capture_worker.audio.source import MICROPHONE, Device
from tests.stage import ROOT
from tests.windows_machine import Clock

SOME = [Device(MICROPHONE, "Microphone", "microphone:Microphone", 48_000, 2, is_default=True)]


class Children:
    """The processes that an probe has started."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []

    def __call__(self, *arguments: Any, **how: Any) -> subprocess.Popen[bytes]:
        self.started.append(subprocess.Popen(*arguments, **how))
        return self.started[-1]

    def last_one_ends(self) -> int:
        return self.started[-1].wait(20)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def children() -> Children:
    return Children()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """What the probe's child runs."""
    path = tmp_path / "program.py"
    path.write_text(f"print({listing.to_json(SOME)!r})")
    return path


@pytest.fixture
def asked(program: Path, clock: Clock, children: Children) -> Iterator[DeviceProbe]:
    """An probe over a clock that goes when it is told to."""
    asked = DeviceProbe((sys.executable, str(program)), popen=children, monotonic=clock)
    yield asked
    asked.close()


def test_an_probe_gives_what_its_child_printed_once(asked: DeviceProbe, children: Children):
    assert asked.answer() is None
    asked.ask()
    children.last_one_ends()

    assert asked.answer() == SOME
    assert asked.answer() is None


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(1)",
        f"print({listing.to_json(SOME)!r}); raise SystemExit(1)",
        "print('no JSON')",
        "print('null')",
        "print('[1]')",
        """print('[{"name": "half a device"}]')""",
        "pass",
    ],
)
def test_a_child_that_fails_gives_no_answer_and_the_next_one_does(
    asked: DeviceProbe, children: Children, clock: Clock, program: Path, code: str
):
    right = program.read_text()
    program.write_text(code)
    asked.ask()
    children.last_one_ends()
    assert asked.answer() is None

    program.write_text(right)
    clock.advance(15.0)
    asked.ask()
    children.last_one_ends()
    assert asked.answer() == SOME


def test_a_child_that_prints_more_than_a_pipe_holds_comes_to_its_end(
    asked: DeviceProbe, children: Children, program: Path
):
    program.write_text(f"import json; print(json.dumps(json.loads({listing.to_json(SOME)!r}) * 5_000))")
    asked.ask()
    children.last_one_ends()

    assert asked.answer() == SOME * 5_000


def test_a_child_that_hangs_is_killed_after_ten_seconds_and_nobody_waits_for_it(
    asked: DeviceProbe, children: Children, clock: Clock, program: Path
):
    program.write_text("import time; time.sleep(60)")
    before = time.monotonic()
    asked.ask()
    for _ in range(10):
        clock.advance(1.0)
        assert asked.answer() is None
    with pytest.raises(subprocess.TimeoutExpired):
        children.started[0].wait(0.2)
    clock.advance(0.1)
    assert asked.answer() is None
    assert time.monotonic() - before < 5

    assert children.last_one_ends() != 0
    assert asked.answer() is None
    clock.advance(5.0)
    asked.ask()
    assert len(children.started) == 2


def test_there_is_never_more_than_one_child(children: Children, clock: Clock, program: Path):
    program.write_text("import time; time.sleep(60)")
    asked = DeviceProbe((sys.executable, str(program)), every_seconds=1.0, popen=children, monotonic=clock)
    for _ in range(5):
        asked.ask()
        clock.advance(1.0)
    asked.close()

    assert len(children.started) == 1


def test_a_program_that_is_not_there_gives_no_answer(tmp_path: Path):
    asked = DeviceProbe((str(tmp_path / "nothing"),))
    asked.ask()

    assert asked.answer() is None


def test_children_start_soon_at_first_and_then_every_fifteen_seconds(
    asked: DeviceProbe, children: Children, clock: Clock
):
    started_seconds = []
    for second in range(80):
        if second == 60:
            asked.hurry()
        asked.ask()
        if len(children.started) > len(started_seconds):
            started_seconds.append(second)
            children.last_one_ends()
            assert asked.answer() == SOME
        clock.advance(1.0)

    assert started_seconds == [0, 1, 3, 7, 15, 30, 45, 60, 61, 63, 67, 75]


@pytest.mark.skipif(os.name == "nt", reason="a process of Windows does not say what killed it")
def test_a_closed_probe_leaves_no_child(asked: DeviceProbe, children: Children, program: Path):
    program.write_text("import time; time.sleep(60)")
    asked.ask()
    asked.close()

    assert [process.returncode for process in children.started] == [-signal.SIGKILL]
    assert asked.answer() is None


def test_no_console_window_flashes_up_and_the_child_finds_offhook_from_anywhere(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    how: dict[str, Any] = {}

    def popen(command: Any, **given: Any) -> Any:
        how.update(given, command=command)
        raise OSError("not now")

    DeviceProbe(popen=popen).ask()

    assert how["creationflags"] == 0x08000000
    assert how["cwd"] == ROOT
    assert how["command"][1:] == ("-m", listing.__name__)
