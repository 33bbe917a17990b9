"""Looks for files and folders of the home that other users of the machine can read.

Windows has no modes, so nothing is looked for there: a home in a user's profile has its access list.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shared.files import names_in
from shared.home import OTHERS, Home, folders_of, tighten

#: offhook's files in the home folder itself; all others are a person's own.
OWN_FILES, OWN_DATABASES = ("config.toml", "control.json", "tuning.json"), ("offhook.db", "queue.db")


@dataclass(frozen=True)
class Exposed:
    """A file or folder that others can read; `owner` is None if it is this user's."""

    path: Path
    owner: str | None


@dataclass(frozen=True)
class Modes:
    """How many files and folders were made private, and which could not be."""

    tightened: int
    exposed: tuple[Exposed, ...]


def make_private(home: Home, tighten: Callable[[Path], object] = tighten) -> Modes:
    """Make what offhook keeps in a home private, and return what others can still read."""
    if sys.platform != "win32":
        wide = [path for path in _paths(home) if _is_wide(path)]
        for path in wide:
            tighten(path)
        exposed = tuple(Exposed(path, _other_owner(path)) for path in wide if _is_wide(path))
        return Modes(len(wide) - len(exposed), exposed)
    return Modes(0, ())


def _paths(home: Home) -> Iterator[Path]:
    """Yield offhook's folders and files in a home, without models, which are public, and without links."""
    folders = [*folders_of(home), home.receipts, home.playback]
    yield from folders
    for name in names_in(home.home):
        if name in OWN_FILES or name.startswith(OWN_DATABASES):
            yield home.home / name
    audio = (home.inbox, home.recording, home.uploads, home.library, home.playback)
    tops = (*audio, home.logs, home.locks, home.receipts)
    for top in tops:
        for folder, inner, files in os.walk(top):
            found = (Path(folder, name) for name in (*inner, *files))
            yield from (path for path in found if not path.is_symlink())


def _is_wide(path: Path) -> bool:
    with suppress(OSError):  # it was removed since
        return bool(path.stat().st_mode & OTHERS)
    return False


def _other_owner(path: Path) -> str | None:
    """Return the name of the owner, or the number of one without a name; None for this user."""
    if sys.platform != "win32":
        number = path.stat().st_uid
        with suppress(KeyError):
            return path.owner() if number != os.getuid() else None
        return f"user {number}"
    return None
