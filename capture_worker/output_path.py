"""Checks the path that a person wants for a finished recording: a new file, outside the home folder."""

from __future__ import annotations

import errno
from pathlib import Path

from shared.capture_errors import BadOutputPath
from shared.files import real


def new_file(path: str | Path, home: Path) -> Path:
    """Return the absolute path of a file that may be created, and create its folder.

    Raises BadOutputPath, FileExistsError, OSError.
    """
    path = Path(path).expanduser().absolute()
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "This is not a possible file name", str(path))
    if path.exists():
        raise FileExistsError(errno.EEXIST, "The file exists already", str(path))
    refuse_inside(path, home)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def refuse_inside(path: Path, home: Path) -> None:
    """Raise BadOutputPath for a file in offhook's home, also through links and other spellings.

    A file named like a database's journal, or among unfinished recordings, would destroy data there.
    """
    if any(folder.exists() and folder.samefile(home) for folder in (path.parent, *real(path).parents)):
        raise BadOutputPath(
            f"{path} is inside offhook's own folder {home}. Choose a place outside it, or none: "
            "the recording then goes to the inbox, and from there to the library."
        )
