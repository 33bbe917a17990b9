"""The folders under `OFFHOOK_HOME`, readable by their owner alone."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path

from shared.capture_errors import UnknownSession
from shared.errors import SettingsError

_FILE_NAME = re.compile(r"[\w-]+")
#: The folder among the uploads of calls that workstations are sending.
CALLS = "calls"
FILE_MODE, FOLDER_MODE = 0o600, 0o700
#: The bits of a mode for the group and others.
OTHERS = 0o077
#: The folder in which a restore prepares a home, and its lock.
RESTORE_PART, RESTORE_LOCK = "restore.part", "restore.lock"


@dataclass(frozen=True)
class Home:
    """The home folder, and the files and folders in it."""

    home: Path = field(default=Path("~/Offhook"), metadata={"doc": "Folder with all of offhook's data"})

    @property
    def inbox(self) -> Path:
        """Recordings dropped here are transcribed."""
        return self.home / "inbox"

    @property
    def recording(self) -> Path:
        """Recordings that are not finished."""
        return self.home / "recording"

    @property
    def control(self) -> Path:
        """Where the capture worker listens, and the token it wants."""
        return self.home / "control.json"

    @property
    def web(self) -> Path:
        """Where the desk's server listens."""
        return self.home / "web.json"

    @property
    def uploads(self) -> Path:
        """Recordings that are being sent to the desk."""
        return self.home / "uploads"

    @property
    def library(self) -> Path:
        """Finished recordings and their transcripts."""
        return self.home / "library"

    @property
    def receipts(self) -> Path:
        """Receipts of erasures: hashes and counts alone."""
        return self.home / "receipts"

    @property
    def models(self) -> Path:
        """Downloaded models, a folder each."""
        return self.home / "models"

    @property
    def tuning(self) -> Path:
        """The fastest engine setups; it can be deleted, and is measured again."""
        return self.home / "tuning.json"

    @property
    def glossary(self) -> Path:
        """Terms for the model to listen for, written by a person."""
        return self.home / "glossary.txt"

    @property
    def edits(self) -> Path:
        """Texts of transcripts that are being edited, or were not taken over."""
        return self.home / "edits"

    @property
    def playback(self) -> Path:
        """Copies of recordings that browsers can play; it can be deleted, and is made again."""
        return self.home / "playback"

    @property
    def stored(self) -> Path:
        """Recordings by key, if `storage` names no other place for them."""
        return self.home / "storage"

    @property
    def copies(self) -> Path:
        """Copies of recordings of an S3 storage; it can be deleted, and they are fetched again."""
        return self.home / "copies"

    @property
    def logs(self) -> Path:
        """A log file for each kind of process."""
        return self.home / "logs"

    @property
    def locks(self) -> Path:
        """A locked file for each running process."""
        return self.home / "locks"

    @property
    def database_file(self) -> Path:
        """The database of a home that has its own: records and transcripts."""
        return self.home / "offhook.db"

    @property
    def queue(self) -> Path:
        """The queue of hints; it can be deleted without loss."""
        return self.home / "queue.db"


def prepare(home: Home) -> None:
    """Make every folder offhook needs; new files of this process are private from now on."""
    keep_private()
    make_folders(home)


def make_folders(home: Home) -> None:
    """Make every folder offhook needs. Raises SettingsError."""
    for folder in folders_of(home):
        make_folder(folder)
        tighten(folder)


def make_folder_inside(top: Path, folder: Path) -> None:
    """Make a folder and those between it and `top`, all of them private. Raises SettingsError."""
    between = [parent for parent in folder.parents if top in parent.parents]
    for each in (*reversed(between), folder):
        make_folder(each)
        tighten(each)


def tighten(path: Path) -> None:
    """Make a file or folder private (0600, 0700) if it is this user's and others have access.

    Windows has no such modes: a file has the access list of its folder, and other users have no access to a
    user's profile.
    """
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            found = path.stat()
            is_folder = stat.S_ISDIR(found.st_mode)
            is_link = path.is_symlink() and not is_folder  # it may lead to a file that is not offhook's
            if found.st_uid == os.getuid() and found.st_mode & OTHERS and not is_link:
                path.chmod(FOLDER_MODE if is_folder else FILE_MODE)


def folders_of(home: Home) -> tuple[Path, ...]:
    """Name every folder offhook needs, the outer one first."""
    inner = (home.inbox, home.recording, home.uploads, home.library, home.models, home.logs, home.locks)
    return (home.home, *inner)


def part_of(recording: Path, session_id: str) -> Path:
    """Return the file of an unfinished recording. Raises UnknownSession for an id that is no file name."""
    if not _FILE_NAME.fullmatch(session_id):
        raise UnknownSession("A session id is not one of offhook's.")
    return recording / f"{session_id}.part"


def keep_private() -> None:
    """Make new files of this process and its children private to their owner."""
    os.umask(0o077)


def make_folder(folder: Path) -> None:
    """Make a private folder and its parents. Raises SettingsError with the path and the remedy."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The folder {folder} cannot be made: {error.strerror}. "
            "Choose another one with OFFHOOK_HOME, or make this one writable."
        ) from error
