"""Reserves room on the disk of a home, so that recordings can be deleted on a full disk.

SQLite writes before it deletes. The reserve is a file that is removed when the disk is full, and written
again when there is room. A process that dies in between leaves the room free, which serves the same end.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

SIZE_BYTES = 2_000_000
#: The reserve is written only if this many times its size is free.
ROOMY = 4


class Reserve:
    """The reserve of one home; any process may keep it or release it."""

    def __init__(self, locks: Path) -> None:
        self._path = locks / "reserve"

    def keep(self) -> None:
        """Write the reserve if it is missing and there is room for it."""
        with suppress(OSError):
            if self._size_bytes() == SIZE_BYTES or self._free_bytes() < ROOMY * SIZE_BYTES:
                return
            partial = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            try:
                partial.write_bytes(os.urandom(SIZE_BYTES))  # zeros may take no room
                partial.replace(self._path)
            finally:
                partial.unlink(missing_ok=True)

    def release_if_full(self) -> None:
        """Remove the reserve if less than its size is free."""
        with suppress(OSError):
            if self._free_bytes() < SIZE_BYTES:
                self._path.unlink(missing_ok=True)

    def _size_bytes(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._path.parent).free
