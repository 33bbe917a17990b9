"""The `offhook` command in a place where a person can type it: a small script that starts .venv's program."""

# Standard library only, and parsable by an old Python: start.py imports it.
from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

MARK = "Made by offhook's start.py; `python start.py uninstall` removes it."
GONE = "offhook: its folder was moved or deleted. Run `python start.py` in that folder once, then try again."
POSIX_SCRIPT = """#!/bin/sh
# {mark}
if [ ! -x {program} ]; then
    echo {gone} >&2
    exit 1
fi
exec {program} "$@"
"""
WINDOWS_SCRIPT = """@echo off
rem {mark}
if not exist "{program}" (
    echo {gone} 1>&2
    exit /b 1
)
"{program}" %*
"""


def place(environment: Mapping[str, str], windows: bool) -> Path:
    """Where the launcher lies: a folder of the user's own, without admin rights."""
    if windows:
        local = environment.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(local) / "Programs" / "offhook" / "offhook.cmd"
    return Path(environment.get("HOME") or Path.home()) / ".local" / "bin" / "offhook"


def script(program: Path, windows: bool) -> str:
    """The text of a launcher of `program`."""
    if windows:  # a percent sign begins a variable there
        return WINDOWS_SCRIPT.format(mark=MARK, program=str(program).replace("%", "%%"), gone=GONE)
    return POSIX_SCRIPT.format(mark=MARK, program=shlex.quote(str(program)), gone=shlex.quote(GONE))


def is_ours(path: Path) -> bool:
    """Whether start.py wrote the file; no other is ever replaced or removed."""
    return path.is_file() and not path.is_symlink() and MARK.encode() in path.read_bytes()


def install(path: Path, program: Path, windows: bool) -> str:
    """Write the launcher; return what a person has to know about it, or an empty text."""
    text = script(program, windows)
    try:
        if path.is_symlink() or path.exists():
            if not is_ours(path):
                return f"{path} is another program's, so it was left alone."
            if path.read_text(encoding="utf-8") == text:
                return ""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        part.write_text(text, encoding="utf-8", newline="\r\n" if windows else "\n")
        part.chmod(0o755)
        part.replace(path)
    except OSError as error:
        return f"{path} could not be written: {error.strerror}."
    return ""


def is_on_path(path: Path, environment: Mapping[str, str]) -> bool:
    """Whether the folder of the launcher is searched when a person types `offhook`."""
    return str(path.parent) in environment.get("PATH", "").split(os.pathsep)


def uninstall(path: Path) -> str:
    """Remove the launcher if it is ours; return what was done."""
    if not is_ours(path):
        return f"There is no launcher of offhook at {path}."
    path.unlink()
    return f"Removed {path}."
