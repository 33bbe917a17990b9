"""Looks for words in the raw bytes of every file of a home, and in the names of the files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def remains(home: Path, words: Iterable[str]) -> set[tuple[str, str]]:
    """Each file of a home in which a word stands, in whatever case, with that word."""
    found = set()
    for path in (path for path in home.rglob("*") if path.is_file()):
        name = path.relative_to(home)
        content = path.read_bytes().lower() + str(name).lower().encode()
        found |= {(str(name), word) for word in words if word.lower().encode() in content}
    return found
