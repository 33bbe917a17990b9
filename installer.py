"""Installs offhook into a virtual environment: exact versions, each by its hash, once for each change."""

# Standard library only, and parsable by an old Python: start.py imports it.
from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
DEVELOPERS = frozenset({"test", "lint"})
WINDOWS = os.name == "nt"


class StartError(Exception):
    """offhook cannot start; the message says why, and what to do about it."""


def install(venv: Path, extras: set[str]) -> bool:
    """Brings .venv up to pyproject.toml and the extras, and returns whether that needed pip.

    The stamp says that it did not.
    """
    if not works(venv):
        print("Making .venv …")
        remedy = "The folder .venv could not be made. On Debian and Ubuntu: sudo apt install python3-venv"
        quietly([sys.executable, "-m", "venv", "--clear", str(venv)], remedy)
    stamp, fingerprint = venv / "offhook-installed", fingerprint_of(ROOT)
    present = installed_extras(stamp, fingerprint)
    is_missing = not extras <= present
    if is_missing:
        print("Installing offhook … this takes about a minute the first time")
        stamp.unlink(missing_ok=True)
        remedy = "Not installed. Check the internet connection and the free disk space, then start again."
        pip = [program(venv, "python"), "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check"]
        exactly = ["--require-hashes", "--only-binary", ":all:", "-r", str(pinned(ROOT, extras))]
        quietly([*pip, "install", *exactly], remedy)
        quietly([*pip, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)], remedy)
        write_stamp(stamp, fingerprint, extras | present)
    return is_missing


def pinned(root: Path, extras: set[str]) -> Path:
    """The file with the exact versions, and their hashes, of what the extras need."""
    return root / ("constraints-dev.txt" if extras & DEVELOPERS else "constraints.txt")


def works(venv: Path) -> bool:
    """False for one that is half made, has lost its Python or belongs to another version."""
    probe = "import pip, sys; print(sys.prefix != sys.base_prefix, *sys.version_info[:2])"
    try:
        done = subprocess.run([program(venv, "python"), "-I", "-c", probe], capture_output=True, text=True)
    except OSError:
        return False
    return done.stdout.split() == ["True", *map(str, sys.version_info[:2])]


def fingerprint_of(root: Path) -> str:
    """Changes with pyproject.toml, the pinned versions, the Python version, and when the checkout moves."""
    names = ("pyproject.toml", "constraints.txt", "constraints-dev.txt")
    parts = ([(root / name).read_bytes() for name in names], sys.version_info[:2], root)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def installed_extras(stamp: Path, fingerprint: str) -> set[str]:
    """The extras that a finished installation with this very fingerprint brought."""
    stamped = stamp.read_text(encoding="utf-8", errors="replace").split() if stamp.exists() else []
    return set(stamped[1:]) if stamped[:1] == [fingerprint] else set()


def write_stamp(stamp: Path, fingerprint: str, extras: set[str]) -> None:
    part = stamp.with_suffix(".part")
    part.write_text("\n".join([fingerprint, *sorted(extras)]), encoding="utf-8")
    part.replace(stamp)


def quietly(command: list[str], remedy: str) -> None:
    """Runs a command whose output matters only when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise StartError(f"{tail_of(done.stdout)}\n\n{remedy}")


def tail_of(output: bytes, lines: int = 15) -> str:
    return "\n".join(output.decode(errors="replace").strip().splitlines()[-lines:])


def program(venv: Path, name: str) -> str:
    return str(venv / "Scripts" / f"{name}.exe" if WINDOWS else venv / "bin" / name)
