"""Deletes recordings that the server has, unless they are to be kept.

Only the file whose hash the server has confirmed is deleted, and only in offhook's own folders. The file goes
first, then the row says so: a process that dies between finds the file gone, and writes the row.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from archive.library import Library, LibraryBusy
from shared.errors import RecordNotFound
from shared.files import Fingerprint, is_file, sha256_of, sync_folder
from shared.logs import discreet
from shared.settings import Settings
from shared.store.outbox import OutboxItem
from shared.store.outbox_states import RECEIVED, SENT
from shared.store.store import Store

log = logging.getLogger(__name__)


class SentAudio:
    """The recordings of one home that its server has. `keep` is called while one is read, and may raise."""

    def __init__(self, settings: Settings, store: Store, keep: Callable[[], None]) -> None:
        self._settings, self._store, self._keep = settings, store, keep
        self._library = Library(settings, store)

    async def delete(self, record_id: int | None = None) -> None:
        """Delete one recording, or all that may be deleted; what is in the way now is tried again later."""
        if self._settings.keep_sent:
            return
        for item in self._store.outbox.with_audio():
            if record_id in (None, item.record):
                try:
                    await self._delete(item)
                except OSError as error:  # on Windows another program has it open
                    log.info("recording %d: its file stays for now: %s", item.record, discreet(error))

    async def _delete(self, item: OutboxItem) -> None:
        with suppress(LibraryBusy, RecordNotFound):
            path = self._own(item)
            if path is None:
                return
            found = None
            if is_file(path):  # hashed without the lock: that takes long
                found = Fingerprint.of(path, follow_links=False)
                if await asyncio.to_thread(self._hashed, path) != item.sha256:
                    return  # the server has another content
            with self._library.alone(patience_seconds=0.0), self._store.transaction():
                if self._is_still_there(item):
                    self._remove(item, found)

    def _remove(self, item: OutboxItem, found: Fingerprint | None) -> None:
        """Delete the file that was hashed, wherever it is by now; another one in its place stays."""
        path = self._own(item)
        if path is None:
            return
        if is_file(path):
            if Fingerprint.of(path, follow_links=False) != found:
                return
            path.unlink()
            sync_folder(path.parent)
        self._store.outbox.audio_deleted(item.record)
        log.info("recording %d: its file was deleted here, the server has it", item.record)

    def _is_still_there(self, item: OutboxItem) -> bool:
        """Whether the server has it as before it was hashed: the home may have left the server since."""
        now = self._store.outbox.find(item.record)
        return now is not None and now.state in (SENT, RECEIVED) and now.sha256 == item.sha256

    def _own(self, item: OutboxItem) -> Path | None:
        """Return where a recording is; None for a person's own file, which offhook never deletes."""
        path = self._library.find(self._store.records.get(item.record))
        return path if self._library.is_ours(path) else None

    def _hashed(self, path: Path) -> str:
        return sha256_of(path, self._keep, follow_links=False)
