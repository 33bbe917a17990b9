"""Removes what uploads have left: those that nobody goes on with, and files of a server that was killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from shared.files import names_in
from shared.home import part_of
from shared.locks import is_free
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Upload

#: An upload without a byte for this long is given up.
KEPT_SECONDS = 7 * 86_400.0
#: A file without a row is being written, or was left by a killed server: after this long without a byte.
STRAY_SECONDS = 3_600.0
EVERY_SECONDS = 3_600.0
SUFFIX = ".part"


class LeftUploads:
    """The uploads of one home that nobody goes on with; any process may remove them."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._store, self._clock = settings.uploads, store, clock or store.clock
        #: Another machine of a team may have the file of an upload.
        self._patience_seconds = KEPT_SECONDS if settings.database else STRAY_SECONDS
        self._monotonic, self._due = monotonic, float("-inf")

    def apply(self) -> None:
        """Remove what is left, if the last time was an hour ago."""
        if self._monotonic() >= self._due:
            self._due = self._monotonic() + EVERY_SECONDS
            self.remove()

    def remove(self) -> None:
        """Remove unfinished uploads without a byte for 7 days, and files that belong to none."""
        for upload in self._store.uploads.every():
            if self._is_given_up(upload):
                self._store.uploads.drop(upload.id)
                part_of(self._folder, upload.id).unlink(missing_ok=True)
        for name in names_in(self._folder):
            path = self._folder / name
            if name.endswith(SUFFIX) and self._is_stray(path):
                with suppress(OSError):  # another process was faster, or Windows has it open
                    path.unlink()

    def _is_given_up(self, upload: Upload) -> bool:
        """Whether an upload is old, or has lost its file without becoming a record (as with a restore)."""
        part = part_of(self._folder, upload.id)
        if Path(upload.recording_path).exists():  # the inbox makes a record of it
            return False
        try:
            return self._rests(part) > KEPT_SECONDS and is_free(part)
        except FileNotFoundError:
            return self._clock() - upload.created_at > self._patience_seconds

    def _is_stray(self, path: Path) -> bool:
        with suppress(FileNotFoundError):
            if self._rests(path) > STRAY_SECONDS and is_free(path):
                return self._store.uploads.find(path.name.removesuffix(SUFFIX)) is None
        return False

    def _rests(self, path: Path) -> float:
        """Return for how many seconds a file has got no byte. Raises FileNotFoundError."""
        return self._clock() - path.stat().st_mtime
