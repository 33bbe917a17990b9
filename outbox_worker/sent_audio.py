"""Deletes recordings that the server has, unless they are to be kept.

Only the file whose hash the server has confirmed is deleted, and only in offhook's own folders. The file goes
first, then the row says so: a process that dies between finds the file gone, and writes the row.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from archive.library import Library, LibraryBusy
from shared.files import is_file, sha256_of, sync_folder
from shared.logs import discreet
from shared.settings import Settings
from shared.store.outbox import OutboxItem
from shared.store.store import Store
from shared.store.transitions import PROCESSING

log = logging.getLogger(__name__)


class SentAudio:
    """The recordings of one home that its server has."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._library = Library(settings, store)

    def delete(self, record_id: int | None = None) -> None:
        """Delete one recording, or all that may be deleted; what is in the way now is tried again later."""
        if self._settings.keep_sent:
            return
        with suppress(LibraryBusy):
            for item in self._store.outbox.with_audio():
                if record_id in (None, item.record):
                    self._delete(item)

    def _delete(self, item: OutboxItem) -> None:
        with self._library.alone(patience_seconds=0.0):
            record = self._store.records.find(item.record)
            if record is None or record.transcription_status == PROCESSING:
                return
            path = self._library.find(record)
            if not self._library.is_ours(path):
                return  # a person's own file, which offhook never deletes
            try:
                if is_file(path):
                    if item.sha256 is None or sha256_of(path, follow_links=False) != item.sha256:
                        return  # the server has another content
                    path.unlink()
                    sync_folder(path.parent)
            except OSError as error:  # on Windows another program has it open
                log.info("recording %d: its file stays for now: %s", item.record, discreet(error))
                return
            self._store.outbox.audio_deleted(item.record)
            log.info("recording %d: its file was deleted here, the server has it", item.record)
