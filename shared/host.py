"""Which machine this is: a home has a random name for its host, made when it is first asked for.

A process's lock file says whether it still runs, and only to processes of its own host. The name is kept in
the home, so it stays when the machine is renamed. A backup leaves it out.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path

from shared.files import LargerThanAllowed, NotRegular, read_regular, whole

NAME = "host"
LONGEST_NAME_BYTES = 1_000
_VALID = re.compile(r"[0-9a-f]{32}")


def host_of(home: Path) -> str:
    """Return the name of a home's host, 32 hexadecimal digits; make it if there is none. Raises OSError."""
    path = home / NAME
    if (found := _read(path)) is None:
        with whole(path) as file:
            file.write(uuid.uuid4().hex.encode())
        found = _read(path)  # of two processes that start at once, the later name stays
    return found or ""


def _read(path: Path) -> str | None:
    try:
        found = read_regular(path, LONGEST_NAME_BYTES).decode("ascii").strip()
    except (FileNotFoundError, NotRegular, LargerThanAllowed, ValueError):
        return None
    return found if _VALID.fullmatch(found) else None
