"""Names that Python has on some systems alone are spelled right: no lookup with a default hides an error."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture_worker.audio.device_probe import DeviceProbe
from capture_worker.clock import COUNTS_SLEEP
from shared import windows
from shared.process import STOP_SIGNALS
from transcribe_worker.engine.child import OWN_CONSOLE
from transcribe_worker.engine.messages import Load
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.inbox import sweep

ROOT = Path(__file__).parents[2]
PACKAGES = ("shared", "archive", "capture_worker", "transcribe_worker", "outbox_worker", "offhook")
FLAGS = {name: value for name, value in vars(windows).items() if name.isupper()}
#: Process Creation Flags, by Microsoft.
DOCUMENTED = {
    "CREATE_NEW_PROCESS_GROUP": 0x200,
    "CREATE_NO_WINDOW": 0x8000000,
    "BELOW_NORMAL_PRIORITY_CLASS": 0x4000,
}
NAMES = r"(?:CREATE_\w+|\w+_PRIORITY_CLASS)"
#: Attributes that objects of other systems, or of a frozen program, have, and objects here may not.
ELSEWHERE = {
    "frozen",
    "st_file_attributes",
    "EDQUOT",
    "st_blocks",
    "O_BINARY",
    "O_NONBLOCK",
    "O_NOFOLLOW",
    "reconfigure",
}
#: Attributes that some objects of a library have, on every system.
OF_SOME_KINDS = {"conn", "diag", "ids", "ipv4_mapped", "orig", "own", "rule", "sqlstate"}


def test_the_flags_are_those_that_windows_documents() -> None:
    assert FLAGS == DOCUMENTED


def test_the_flags_have_the_names_that_python_has_on_windows() -> None:
    imported = re.findall(rf"\b{NAMES}", inspect.getsource(subprocess))
    assert FLAGS.keys() <= set(imported)


def test_the_flags_are_those_of_python_where_python_tells() -> None:
    """On Windows `subprocess` has them; elsewhere mypy's description of Python does, if mypy is installed."""
    if sys.platform == "win32":
        told = {name: getattr(subprocess, name) for name in FLAGS}
    else:
        mypy = importlib.util.find_spec("mypy")
        stub = Path(mypy.origin or "").with_name("typeshed") / "stdlib" / "_winapi.pyi" if mypy else None
        text = stub.read_text("utf-8") if stub else ""
        values = dict(re.findall(rf"^\s*({NAMES}): Final = (0x[0-9a-fA-F]+)", text, re.MULTILINE))
        told = {name: int(value, 16) for name, value in values.items() if name in FLAGS}
    assert told in (FLAGS, {})


def test_other_systems_get_no_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert windows.creation_flags(OWN_CONSOLE) == 0
    monkeypatch.setattr(sys, "platform", "win32")
    assert windows.creation_flags(OWN_CONSOLE) == OWN_CONSOLE


def test_no_process_of_offhook_opens_a_console_window(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = []

    def popen(command: object, **given: int) -> None:
        flags.append(given["creationflags"])
        raise OSError(2, "not now")

    monkeypatch.setattr(sys, "platform", "win32")
    DeviceProbe(popen=popen).ask()  # type: ignore[arg-type]
    with pytest.raises(Exception, match="The engine cannot be started"):
        Engine(popen=popen).load(Load("tiny.en", Path()))  # type: ignore[arg-type]
    assert [flag & DOCUMENTED["CREATE_NO_WINDOW"] for flag in flags] == [DOCUMENTED["CREATE_NO_WINDOW"]] * 2


def test_the_attribute_of_hidden_files_is_that_of_windows() -> None:
    assert sweep._HIDDEN == stat.FILE_ATTRIBUTE_HIDDEN == 2


def test_every_signal_is_one_of_python() -> None:
    assert set(STOP_SIGNALS) <= {*dir(signal), "SIGBREAK"}


def test_every_clock_is_one_of_python() -> None:
    if sys.platform in COUNTS_SLEEP:
        assert hasattr(time, COUNTS_SLEEP[sys.platform])
    assert set(COUNTS_SLEEP.values()) <= {"CLOCK_BOOTTIME", "CLOCK_MONOTONIC"}


def lookups(path: Path) -> Iterator[str]:
    """The names that a file looks up with a default."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=name), _]):
                yield str(name)


def test_nothing_is_looked_up_with_a_default_but_what_other_systems_or_objects_have() -> None:
    paths = [ROOT / "start.py", *(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))]
    assert {name for path in paths for name in lookups(path)} <= ELSEWHERE | OF_SOME_KINDS
