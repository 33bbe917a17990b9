"""The folders under `OFFHOOK_HOME`, readable by their owner alone."""

from __future__ import annotations

import os
from pathlib import Path

from shared.errors import SettingsError
from shared.settings import Settings

FILE_MODE, FOLDER_MODE = 0o600, 0o700
#: Where a restore makes a home ready, and the lock it holds while it does.
RESTORE_PART, RESTORE_LOCK = "restore.part", "restore.lock"


def prepare(settings: Settings) -> None:
    """Make every folder offhook needs; new files of this process are private from here on."""
    keep_private()
    make_folders(settings)


def make_folders(settings: Settings) -> None:
    """Make every folder offhook needs. Raises SettingsError."""
    for folder in (
        settings.home,
        settings.inbox,
        settings.recording,
        settings.library,
        settings.models,
        settings.logs,
        settings.locks,
    ):
        make_folder(folder)


def keep_private() -> None:
    """Let what this process and its children make be their owner's alone, whoever started them."""
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
