"""Times as people and programs write them."""

from __future__ import annotations


def timestamp(milliseconds: int, decimal_mark: str = ".") -> str:
    """Write a time as HH:MM:SS and milliseconds."""
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{decimal_mark}{milliseconds % 1000:03}"


def moment(milliseconds: int) -> str:
    """Write a time as HH:MM:SS."""
    return timestamp(milliseconds)[:-4]
