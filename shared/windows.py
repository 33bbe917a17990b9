"""Numbers of Windows that Python names on Windows alone, and where they are needed.

They are written out: a name that is looked up with a default hides a misspelling on every other system.
Source: Microsoft's "Process Creation Flags"; CPython has them in `subprocess`.
"""

from __future__ import annotations

import sys

CREATE_NEW_PROCESS_GROUP = 0x00000200
CREATE_NO_WINDOW = 0x08000000
BELOW_NORMAL_PRIORITY_CLASS = 0x00004000


def creation_flags(flags: int) -> int:
    """Return `creationflags` for a new process: other systems take none but 0."""
    return flags if sys.platform == "win32" else 0
