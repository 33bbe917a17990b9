"""Where a person wants a finished recording to be: a new file, outside of the home folder."""

from __future__ import annotations

import errno
from pathlib import Path

from shared.errors import BadOutputPath


def new_file(path: str | Path, home: Path) -> Path:
    """Return the absolute path of a file that may be made, and make its folder.

    Raises BadOutputPath, and FileExistsError or another OSError: no file is ever written over.
    """
    path = Path(path).expanduser().absolute()
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "There can be no such file", str(path))
    if path.exists():
        raise FileExistsError(errno.EEXIST, "There is such a file already", str(path))
    refuse_inside(path, home)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def refuse_inside(path: Path, home: Path) -> None:
    """Raise BadOutputPath for a file in offhook's home, whatever links and other spellings lead there.

    A file named as a database's journal, or put among unfinished recordings, would destroy what is there.
    """
    if any(folder.exists() and folder.samefile(home) for folder in (path.parent, *path.resolve().parents)):
        raise BadOutputPath(
            f"{path} is inside of offhook's own folder {home}. Choose a place outside of it, or none: "
            "a recording then goes to the inbox, and from there to the library."
        )
