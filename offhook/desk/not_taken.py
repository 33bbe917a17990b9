"""Lists files in the inbox that were not taken, with the reasons."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.inbox_names import as_text, has_known_ending, is_text

SHOWN = 20
#: How the command line says each reason.
REASONS = {
    "unknown_ending": "has an ending that offhook does not take; rename it if it is a recording",
    "name_not_utf8": "has a name that is not UTF-8; rename it",
    "folder": "is a folder; move the recordings in it into the inbox itself",
    "link": "is a link; copy the recording instead",
    "not_a_file": "is not a regular file",
    "waiting": "is too new or still grows; it is taken once it is whole",
}
_BY_TYPE = {stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
_HIDDEN = stat.FILE_ATTRIBUTE_HIDDEN


@dataclass(frozen=True)
class NotTaken:
    """One name in the inbox; bytes that are not UTF-8 are escaped."""

    name: str
    reason: str


def not_taken(folder: Path, known: Mapping[str, tuple[int, int]]) -> list[NotTaken]:
    """List what was not taken, by name, in one listing of the folder.

    `known` has size in bytes and time in nanoseconds of the files that the inbox has dealt with, by path.
    Hidden files are left out. The list is empty if the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(_explained(entries, known), key=lambda each: each.name)
    except OSError:
        return []


def _explained(
    entries: Iterator[os.DirEntry[str]], known: Mapping[str, tuple[int, int]]
) -> Iterator[NotTaken]:
    for entry in entries:
        try:
            found = entry.stat(follow_symlinks=False)
        except OSError:  # gone between the listing and the look
            continue
        is_hidden = entry.name.startswith(".") or getattr(found, "st_file_attributes", 0) & _HIDDEN
        if not is_hidden and (reason := _reason(entry, found, known)):
            yield NotTaken(as_text(entry.name), reason)


def _reason(
    entry: os.DirEntry[str], found: os.stat_result, known: Mapping[str, tuple[int, int]]
) -> str | None:
    if not stat.S_ISREG(found.st_mode):
        return _BY_TYPE.get(stat.S_IFMT(found.st_mode), "not_a_file")
    if not is_text(entry.name):
        return "name_not_utf8"
    if not has_known_ending(entry.name):
        return "unknown_ending"
    return None if known.get(entry.path) == (found.st_size, found.st_mtime_ns) else "waiting"
