"""URLs as they may be shown: without their passwords."""

from __future__ import annotations

import re

#: A password ends at the last @, in case it has one that is not escaped.
_PASSWORD = re.compile(r"(://[^:@/?#\s]*):\S*@")
_IN_QUERY = re.compile(r"([?&](?:ssl)?password=)[^&\s]*")


def masked(text: str) -> str:
    """Return a text with the passwords of URLs in it replaced by `***`."""
    return _IN_QUERY.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))
