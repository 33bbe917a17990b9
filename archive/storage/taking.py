"""Takes recordings that come to a server itself into its storage, so that workers on every machine read them.

They come from its inbox, by `offhook add`, and as uploads to its desk. The put is first, then the record, at
last the file is removed, if it is offhook's. Before the put a row in `object_deletions` orders the deletion
of the object in a day; the transaction that gives it to a record removes that row. So a death at any line
loses nothing, and leaves nothing for good.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

from archive.storage.errors import RecordingDamaged
from archive.storage.keys import key_of
from archive.storage.storage import nothing, storage_of
from shared.errors import RecordingMissing
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record

#: Errors of a recording that needs to be put again.
LOST = (RecordingMissing.code, RecordingDamaged.code)


@dataclass(frozen=True)
class Stored:
    """A recording that was put into the storage, and has no record yet."""

    key: str
    sha256: str
    size_bytes: int


class Taking:
    """Takes recordings into the storage of one home, where `storage` names one."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._store, self._clock = settings, store, clock

    @property
    def is_on(self) -> bool:
        """Whether recordings go into a storage; otherwise they stay files of this home."""
        return bool(self._settings.storage)

    def put(
        self, path: Path, sha256: str | None, name: str = "", keep: Callable[[], None] = nothing
    ) -> Stored | None:
        """Put a recording; None if recordings stay here, or if it has no hash, being too large.

        `name` is what it was called, if not as its file. Raises StorageError, RecordingChanged, OSError.
        """
        if not self.is_on or sha256 is None:
            return None
        suffix = PurePath(name or path.name).suffix
        stored = Stored(key_of(str(uuid.uuid4()), suffix, self._clock()), sha256, path.stat().st_size)
        self._store.objects.expect(stored.key)
        storage_of(self._settings).put(stored.key, path, sha256, keep)
        return stored

    def give(self, record: Record, stored: Stored) -> Record:
        """Let a record have what was put; call it in the transaction that makes or finds the record.

        What it had in the storage before is deleted.
        """
        self.leave(record)
        content = {"storage_key": stored.key, "sha256": stored.sha256, "size_bytes": stored.size_bytes}
        self._store.records.note_move(record.id, stored.key, {**content, "modified_ns": None})
        self._store.objects.claim(stored.key)
        return self._store.records.get(record.id)

    def leave(self, record: Record) -> None:
        """Delete what a record has in the storage; call it in the transaction that gives it another file."""
        if record.storage_key is not None:
            self._store.objects.order(record.storage_key)
