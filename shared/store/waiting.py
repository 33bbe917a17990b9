"""Whether a wait in the database is over, also where the clock was set back meanwhile."""

from __future__ import annotations

from typing import Any, overload

from peewee import Expression, Field


@overload
def has_come(moment: float, now: float, longest_wait_seconds: float) -> bool: ...


@overload
def has_come(moment: Field, now: float, longest_wait_seconds: float) -> Expression: ...


def has_come(moment: Any, now: float, longest_wait_seconds: float) -> Any:
    """Whether a moment, as a number or a column, has come.

    One further ahead than any wait is long means that the clock was set back, so its wait counts as over.
    """
    return (moment <= now) | (moment > now + longest_wait_seconds)
