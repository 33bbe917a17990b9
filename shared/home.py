"""The folders under `OFFHOOK_HOME`, readable by their owner alone."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import SettingsError, UnknownSession

_FILE_NAME = re.compile(r"[\w-]+")
FILE_MODE, FOLDER_MODE = 0o600, 0o700
#: The folder in which a restore prepares a home, and its lock.
RESTORE_PART, RESTORE_LOCK = "restore.part", "restore.lock"


@dataclass(frozen=True)
class Home:
    """The home folder, and the files and folders in it."""

    home: Path = field(
        default=Path("~/Offhook"), metadata={"doc": "Folder that holds everything offhook keeps"}
    )

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
    def library(self) -> Path:
        """Finished recordings and their transcripts."""
        return self.home / "library"

    @property
    def receipts(self) -> Path:
        """What was erased of whom, and when: hashes and counts alone."""
        return self.home / "receipts"

    @property
    def models(self) -> Path:
        """Downloaded models, a folder each."""
        return self.home / "models"

    @property
    def tuning(self) -> Path:
        """How fast engines were in each setup; it can be deleted, and is measured again."""
        return self.home / "tuning.json"

    @property
    def logs(self) -> Path:
        """A log file for each kind of process."""
        return self.home / "logs"

    @property
    def locks(self) -> Path:
        """A locked file for each running process."""
        return self.home / "locks"

    @property
    def database(self) -> Path:
        """The records: what is to be done and what was said."""
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
        _tighten(folder)


def _tighten(folder: Path) -> None:
    """Make a folder that was there before private, if it is this user's; Windows has its own rights."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            found = folder.stat()
            if found.st_uid == os.getuid() and found.st_mode & 0o077:
                folder.chmod(FOLDER_MODE)


def folders_of(home: Home) -> tuple[Path, ...]:
    """Name every folder offhook needs, the outer one first."""
    return (home.home, home.inbox, home.recording, home.library, home.models, home.logs, home.locks)


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
