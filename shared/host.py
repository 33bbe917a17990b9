"""Which machine this is: a home has a random name for its host, made when it is first asked for.

A process's lock file says whether it still runs, and only to processes of its own host. The name is kept in
the home, so it stays when the machine is renamed. A backup leaves it out.
"""

from __future__ import annotations

import re
import time
import uuid
from contextlib import suppress
from pathlib import Path

from shared.files import LargerThanAllowed, NotRegular, read_regular, whole
from shared.locks import FileLock

NAME = "host"
#: Making a name takes a few milliseconds.
LOOK_SECONDS = 0.01
LONGEST_NAME_BYTES = 1_000
_VALID = re.compile(r"[0-9a-f]{32}")


def host_of(home: Path) -> str:
    """Return the name of a home's host, 32 hexadecimal digits; make it if there is none. Raises OSError."""
    path = home / NAME
    return _read(path) or _made(path)


def _made(path: Path) -> str:
    """Make the name; processes that start at once come one after another, and have the name of the first."""
    lock = FileLock(path.with_suffix(".lock"))
    while not lock.acquire():
        time.sleep(LOOK_SECONDS)
    try:
        if (found := _read(path)) is None:
            found = uuid.uuid4().hex
            with whole(path) as file:
                file.write(found.encode())
    finally:
        lock.release()
    with suppress(OSError):  # who still waits for it, or makes another, finds the name
        lock.path.unlink()
    return found


def _read(path: Path) -> str | None:
    try:
        found = read_regular(path, LONGEST_NAME_BYTES).decode("ascii").strip()
    except (FileNotFoundError, NotRegular, LargerThanAllowed, ValueError):
        return None
    return found if _VALID.fullmatch(found) else None
