"""File names that some systems take for the same: by case, Unicode form, or what Windows leaves out.

Windows ignores dots and spaces at the end of a name, and what follows a colon is a stream of the same file
(Microsoft, "Naming Files, Paths, and Namespaces").
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from archive.library import WINDOWS_DEVICES


def folded(name: str) -> str:
    """Return one spelling for all the names that any system takes for the same as this one."""
    plain = unicodedata.normalize("NFKC", name).casefold().split(":")[0]
    return unicodedata.normalize("NFKC", plain).rstrip(" .")


def clashes(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of paths that are one file, or a file and a folder, where names are folded."""
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
    """Return whether the disk of a folder takes `A` and `a` for the same; nothing is written to find out."""
    if os.name == "nt" or sys.platform == "darwin":
        return True
    for place in (folder, *folder.parents):
        other = place.with_name(place.name.swapcase()) if place.name else place
        if place.exists() and other != place:
            return other.exists() and other.samefile(place)
    return False
