"""The files of calls that workstations are sending, and the removal of those that nobody goes on with.

A file has what has arrived of one recording. Its name has a part of the recording's hash: the part of
another recording of the same call is another file.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from archive.uploads import KEPT_SECONDS, STRAY_SECONDS, SUFFIX
from shared.files import names_in
from shared.home import CALLS, FOLDER_MODE, part_of
from shared.locks import is_free
from shared.settings import Settings
from shared.store.incoming import IncomingCall
from shared.store.store import Store

EVERY_SECONDS = 3_600.0
#: Characters of a session id, and of a hash in the name of a file.
_SESSION, _HASH = 36, 16


def folder_of(settings: Settings) -> Path:
    """Return the folder of the files; it is made if need be."""
    folder = settings.uploads / CALLS
    folder.mkdir(FOLDER_MODE, exist_ok=True)
    return folder


def part_of_call(settings: Settings, call: IncomingCall) -> Path:
    """Return the file of what has arrived of a call."""
    return part_of(folder_of(settings), f"{call.session_id}-{call.sha256[:_HASH]}")


class LeftCalls:
    """The calls of one home that nobody goes on with; any process may remove them."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._store, self._clock = settings, store, clock or store.clock
        self._monotonic, self._due = monotonic, float("-inf")

    def apply(self) -> None:
        """Remove what is left, if the last time was an hour ago."""
        if self._monotonic() >= self._due:
            self._due = self._monotonic() + EVERY_SECONDS
            self.remove()

    def remove(self) -> None:
        """Remove calls of which nothing has arrived for 7 days, and files that belong to none.

        Another machine of the team may have the file of a call, and removes it as one that belongs to none.
        """
        for call in self._store.incoming.untouched_since(self._clock() - KEPT_SECONDS):
            part = part_of_call(self._settings, call)
            if not part.exists() or is_free(part):
                self._store.incoming.drop(call)
                part.unlink(missing_ok=True)
        folder = folder_of(self._settings)
        for name in names_in(folder):
            if name.endswith(SUFFIX) and self._is_stray(folder / name):
                with suppress(OSError):  # another process was faster, or Windows has it open
                    (folder / name).unlink()

    def _is_stray(self, path: Path) -> bool:
        """Whether a file belongs to no call, and has got no byte for an hour."""
        with suppress(FileNotFoundError):
            if self._clock() - path.stat().st_mtime > STRAY_SECONDS and is_free(path):
                call = self._store.incoming.find(path.name[:_SESSION])
                return call is None or part_of_call(self._settings, call) != path
        return False
