"""The titles of calls that nobody has given one."""

from __future__ import annotations

import re
from datetime import datetime

CALL, RECOVERED = KINDS = ("Call", "Recovered")
_OF_MOMENT = re.compile(rf"(?:{'|'.join(KINDS)}) \d{{4}}-\d\d-\d\d \d\d:\d\d")


def of_moment(seconds: float, kind: str = CALL) -> str:
    """Return the title of a call that began then, in the local zone."""
    return f"{kind} {datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"


def is_given(title: str) -> bool:
    """Whether a person has given a title."""
    return bool(title.strip()) and not _OF_MOMENT.fullmatch(title)
