"""What tells whether a file is still the one it was, and whether two files hold the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fingerprint:
    """A file's size and time: cheap to look at, and changed by whoever writes to it."""

    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Fingerprint:
        """Look at a file. Raises OSError."""
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns)


def sha256_of(path: Path) -> str:
    """Return the hash of a file's content in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
