"""Where a record's recording can be read: everything that opens one asks here.

A recording of this machine is in the library or where it was added. One that a workstation has handed to its
server and deleted is copied from there. One with a `storage_key` is in a team's storage: in a folder it is
read in place, from S3 it is copied into the home first. Its hash is checked, of a file again whenever it has
changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from archive.library import Library
from archive.storage.copies import Copies
from archive.storage.errors import RecordingDamaged
from archive.storage.storage import Source, Storage, nothing, storage_of
from shared.errors import BadRecording, EngineCrashed, EngineFailed, RecordingMissing
from shared.files import Fingerprint, sha256_of
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record

#: Files whose hash is known to be right.
REMEMBERED = 1_000


Elsewhere = Callable[[Record], Source | None]


def nowhere(record: Record) -> Source | None:
    """Know no other place of a recording."""
    return None


class Recordings:
    """The recordings of one home's records. Any number of threads may use it.

    `elsewhere` returns what a recording can be read from that is here no more, None if there is nothing.
    """

    def __init__(self, settings: Settings, store: Store, elsewhere: Elsewhere = nowhere) -> None:
        self._settings, self._elsewhere = settings, elsewhere
        self._library, self._copies = Library(settings, store), Copies(settings)
        self._checked: dict[Path, Fingerprint] = {}

    @cached_property
    def storage(self) -> Storage:
        """The storage that the settings name. Raises SettingsError, ExtraMissing."""
        return storage_of(self._settings)

    def path(self, record: Record, keep: Callable[[], None] = nothing) -> Path:
        """Return the file of a recording, which may be gone if it is this machine's own.

        For a record with a key it raises RecordingMissing, RecordingDamaged, StorageError, DiskFull. `keep`
        is called while it is fetched or checked, and may raise to stop.
        """
        if record.storage_key is None:
            own = self._library.find(record)
            source = None if own.exists() else self._elsewhere(record)
            return self._copies.path(_keyed(record), source, keep) if source else own
        if path := self.storage.local_path(record.storage_key):
            self._check(record, path, keep)
            return path
        return self._copies.path(record, self.storage, keep)

    @contextmanager
    def in_use(self, record: Record, keep: Callable[[], None] = nothing) -> Iterator[Path]:
        """Have the file of a recording, and keep its copy until the end of the block. Raises as `path`.

        If reading a file of the storage goes wrong inside, and the storage is away, it raises StorageError.
        """
        if record.storage_key is None:
            path = self._library.find(record)
            if not path.exists() and (source := self._elsewhere(record)):
                with self._copies.in_use(_keyed(record), source, keep) as path:
                    yield path
            else:
                yield path
        elif self.storage.local_path(record.storage_key):
            with self._blaming_the_storage(record.storage_key):
                yield self.path(record, keep)
        else:
            with self._copies.in_use(record, self.storage, keep) as path:
                yield path

    def exists(self, record: Record) -> bool:
        """Whether the recording is where its record says. Raises StorageError."""
        if record.storage_key is None:
            return self._library.find(record).exists()
        return self.storage.exists(record.storage_key)

    @contextmanager
    def _blaming_the_storage(self, key: str) -> Iterator[None]:
        """Raise what is wrong with the storage instead of an error that may come from that."""
        try:
            yield
        except (BadRecording, EngineFailed, EngineCrashed):
            self.storage.size(key)
            raise

    def _check(self, record: Record, path: Path, keep: Callable[[], None]) -> None:
        """Compare a file with its record, unless this has been done since it last changed."""
        try:
            found = Fingerprint.of(path)
            if self._checked.get(path) == found:
                return
            sha256 = sha256_of(path, keep) if found.size_bytes == record.size_bytes else None
        except FileNotFoundError:
            raise RecordingMissing(f"The recording {record.storage_key} is not in the storage.") from None
        if sha256 != record.sha256:
            raise RecordingDamaged
        if len(self._checked) >= REMEMBERED:
            self._checked.clear()
        self._checked[path] = found


def _keyed(record: Record) -> Record:
    """Return a record by whose key its recording is asked for elsewhere."""
    return replace(record, storage_key=f"{record.session_id}{Path(record.recording_path).suffix.lower()}")
