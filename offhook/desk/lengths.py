"""Durations in words."""

from __future__ import annotations


def length(seconds: float | None) -> str:
    """Write a duration as M:SS or H:MM:SS."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
