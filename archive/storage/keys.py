"""Keys of recordings in a storage: relative, with `/`, and names that every system and storage allows."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from archive.storage.errors import BadKey
from archive.windows_names import WINDOWS_DEVICES

LONGEST_KEY = 200
#: Not a recording: what the storage is asked for, to see whether it answers.
PROBE_KEY = "health/probe"
#: Lower case, as some systems know no other. Names that begin with a dot are the storage's own.
_PART = re.compile(r"[a-z0-9_][a-z0-9._-]*(?<!\.)")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}")


def checked(key: str) -> str:
    """Return a key that is one of offhook's. Raises BadKey.

    It cannot leave the storage: it has no `..`, no root and no drive, and no name of a Windows device.
    """
    parts = key.split("/")
    is_sound = len(key) <= LONGEST_KEY and all(map(_PART.fullmatch, parts))
    if not is_sound or any(map(WINDOWS_DEVICES.match, parts)):
        raise BadKey(f"{key[:LONGEST_KEY]!a} is not a key of a recording.")
    return key


def checked_prefix(prefix: str) -> str:
    """Return what keys may begin with: nothing, or whole names, each with its `/`. Raises BadKey."""
    if prefix:
        checked(prefix.removesuffix("/"))
    return prefix


def key_of(session_id: str, suffix: str, created_at: float, mark: str | None = None) -> str:
    """Return a key for a new recording, by month; `suffix` is that of its file, such as `.wav`.

    It is another one each time, unless `mark` (hexadecimal) tells it apart: the deletion of a recording that
    had this session before touches no later one. Raises BadKey.
    """
    suffix = suffix.lower() if _SUFFIX.fullmatch(suffix.lower()) else ".bin"
    month = datetime.fromtimestamp(created_at, UTC)
    return checked(f"calls/{month:%Y/%m}/{session_id}-{mark or secrets.token_hex(4)}{suffix}")
