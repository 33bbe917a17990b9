"""Finds files in the library that a person has renamed, by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from shared.files import sha256_of


@dataclass(frozen=True)
class Content:
    """The size and hash of a file, which identify its content."""

    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> Content:
        """Describe a file with this content."""
        return cls(len(content), hashlib.sha256(content).hexdigest())


def find(library: Path, wanted: Collection[Content], taken: Collection[str]) -> list[Path]:
    """Return files with a wanted content whose stem no record has taken; only files of its size are hashed.

    `taken` has stems relative to the library, in lower case.
    """
    sizes = {content.size_bytes for content in wanted}
    found = []
    for path in sorted(library.rglob("*")) if wanted else ():
        stem = path.relative_to(library).with_suffix("").as_posix().lower()
        if stem in taken or path.is_symlink() or not path.is_file():
            continue
        size_bytes = path.stat().st_size
        if size_bytes in sizes and Content(size_bytes, sha256_of(path)) in wanted:
            found.append(path)
    return found
