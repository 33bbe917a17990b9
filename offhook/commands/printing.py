"""Prints for a person at a terminal, or JSON for programs."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console


def console() -> Console:
    """Return a console that is as wide as the terminal; in a pipe, where nothing wraps, wide enough."""
    return Console(emoji=False, width=None if sys.stdout.isatty() else 500)


def print_json(value: Any) -> None:
    """Print a value for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def clock_time(seconds: float | None) -> str:
    """Write a time for a person, in the local zone."""
    return "" if seconds is None else datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def ago(time: str) -> str:
    """Write for a person how long ago something was; `time` is ISO 8601."""
    seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds())
    return f"{seconds:.0f} s ago" if seconds < 60 else f"{length(seconds)} ago"


def printable(text: str) -> str:
    """Make one line of a title or a message, without signs that would command the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def short(path: str) -> str:
    """Write a path for a person, with `~` for the home folder."""
    there, home = Path(path), Path.home()
    return str(Path("~", there.relative_to(home))) if there.is_relative_to(home) else path


def length(seconds: float | None) -> str:
    """Write a duration as M:SS or H:MM:SS."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
