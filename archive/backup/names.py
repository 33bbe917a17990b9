"""File names that some systems treat as the same: by case, by Unicode form, or by what Windows ignores.

Windows ignores dots and spaces at the end of a name. The part after a colon names a stream of the same file
(Microsoft, "Naming Files, Paths, and Namespaces").
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from archive.windows_names import WINDOWS_DEVICES


def folded(name: str) -> str:
    """Return the common spelling of all names that some system treats as this one."""
    plain = unicodedata.normalize("NFKC", name).casefold().split(":")[0]
    return unicodedata.normalize("NFKC", plain).rstrip(" .")


def clashes(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of paths that would be one file, or a file and a folder, where names are folded."""
    taken: dict[tuple[str, ...], str] = {}
    found = []
    for name in names:
        key = tuple(map(folded, name.split("/")))
        if key in taken:
            found.append((taken[key], name))
        taken.setdefault(key, name)
    for key, name in list(taken.items()):
        found += [(taken[key[:end]], name) for end in range(1, len(key)) if key[:end] in taken]
    return found


def impossible_on_windows(name: str) -> bool:
    """Return whether Windows would open a device or another file under this name."""
    parts = name.split("/")
    return any(WINDOWS_DEVICES.match(part) or ":" in part or part.rstrip(" .") != part for part in parts)


def folds(folder: Path) -> bool:
    """Return whether a folder's disk treats `A` and `a` as the same name; nothing is written."""
    if os.name == "nt" or sys.platform == "darwin":
        return True
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase()) if place.name else place
        if place.exists() and other != place:
            return other.exists() and other.samefile(place)
    return False
