"""Copies of recordings that every browser plays: their places, and how much room they take.

A copy has the number of its record in its name, and the beginning of the recording's hash: the copy of a
recording that has changed since is never played. It can be deleted at any time, and is made again.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from shared.files import names_in
from shared.settings import Settings
from shared.store.values import Record

SUFFIX, PARTIAL = ".m4a", ".part"
HASH_DIGITS = 16
_NAME = re.compile(rf"(\d+)-[0-9a-f]+{re.escape(SUFFIX)}({re.escape(PARTIAL)})?")


def playback_copy(settings: Settings, record: Record) -> Path:
    """Return where the copy of a record's present recording is, or would be."""
    digits = (record.sha256 or "0")[:HASH_DIGITS]
    return settings.playback / f"{record.id}-{digits}{SUFFIX}"


def partial_of(copy: Path) -> Path:
    """Return where a copy is while it is made."""
    return copy.with_name(copy.name + PARTIAL)


def playback_copies(settings: Settings, record_id: int) -> list[Path]:
    """Return every copy that there is of a record, unfinished ones too."""
    return [path for path, number in all_playback_copies(settings).items() if number == record_id]


def all_playback_copies(settings: Settings) -> dict[Path, int]:
    """Return every copy, unfinished ones too, with the number of its record."""
    found = ((name, _NAME.fullmatch(name)) for name in names_in(settings.playback))
    return {settings.playback / name: int(match[1]) for name, match in found if match}


def remove_unfinished(settings: Settings) -> None:
    """Remove what killed processes have left; call it while no copy is made."""
    for name in names_in(settings.playback):
        if name.endswith(PARTIAL):
            with suppress(OSError):  # on Windows it may still be open
                (settings.playback / name).unlink()


def make_room(settings: Settings, kept: Path) -> None:
    """Remove the oldest copies, except `kept`, until all take no more than `playback_gb`."""
    ages = []
    for name in names_in(settings.playback):
        with suppress(OSError):
            found = (settings.playback / name).stat()
            ages.append((found.st_mtime, found.st_size, settings.playback / name))
    taken = sum(size for _, size, _ in ages)
    for _, size, path in sorted(ages):
        if taken > settings.playback_bytes and path != kept:
            with suppress(OSError):  # on Windows it is being played; the next copy removes it
                path.unlink()
                taken -= size
