"""Words values for a person: times, durations, paths."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from offhook.desk.lengths import length as length

#: Colours of speakers on a terminal, in the order in which they speak.
SPEAKER_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")


def clock_time(seconds: float | None) -> str:
    """Write a time for a person, in the local zone."""
    return "" if seconds is None else datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def ago(time: str) -> str:
    """Write for a person how long ago something was; `time` is ISO 8601."""
    seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds())
    return f"{seconds:.0f} s ago" if seconds < 60 else f"{length(seconds)} ago"


def short(path: str) -> str:
    """Write a path for a person, with `~` for the home folder."""
    there, home = Path(path), Path.home()
    return str(Path("~", there.relative_to(home))) if there.is_relative_to(home) else path


def counted(count: int, what: str) -> str:
    """Write a number of things: `1 file`, `1,200 files`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def capitalised(text: str) -> str:
    """Write a phrase with a capital at its beginning."""
    return text[:1].upper() + text[1:]
