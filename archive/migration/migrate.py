"""Moves a home to a team's server. The old home stays as it is, until a person changes its settings.

The recordings go first, one after another; what is safe in the storage is written down. Then all records go
at once. So a move that was killed, at any moment, goes on when it is run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from archive.migration.journal import Journal, Put
from archive.storage.inspection import hash_of
from archive.storage.keys import key_of
from archive.storage.recordings import Recordings
from archive.storage.storage import Storage, storage_of
from shared.errors import RecordingMissing
from shared.files import Fingerprint, is_file, sha256_of
from shared.locks import FileLock, is_free
from shared.settings import Settings
from shared.store.moving import CannotMigrate, Moved, Report, Stored, move_database
from shared.store.store import Store, damaged_values
from shared.store.values import Record
from shared.urls import masked

LOCK = "migration.lock"
#: Of the hash of a recording, in its key.
MARK_DIGITS = 8


@dataclass(frozen=True)
class Migration:
    """A finished move: what is in the new database, and in its storage."""

    moved: Moved
    storage: str
    recordings: int
    size_bytes: int
    without_recording: tuple[int, ...]


def migrate(
    settings: Settings, store: Store, url: str, storage: str, report: Report, person: str | None = None
) -> Migration:
    """Move the records of a home to the database at a URL, and its recordings into a storage.

    `person` is who of the new database gets the calls as their own. Raises CannotMigrate, PersonNotFound,
    SettingsError, StorageError, StoreError, OSError; what is in the storage then is used by the next run.
    """
    target = replace(settings, storage=storage)
    _refuse_storage_of_home(target)
    with _alone(settings):
        _refuse_unfinished(settings, store)
        person_id = _look_at_target(url, store, person)
        journal = Journal(settings.locks, storage)
        putting = _Putting(Recordings(settings, store), storage_of(target), journal, report)
        stored = putting.put_all(store)
        moved = move_database(settings.database_file, url, stored, person_id, report)
        journal.remove()
    sizes = sum(each.size_bytes for each in stored.values())
    return Migration(moved, masked(storage), len(stored), sizes, tuple(putting.without))


class _Putting:
    """Puts the recordings of one home into one storage."""

    def __init__(self, recordings: Recordings, storage: Storage, journal: Journal, report: Report) -> None:
        self._recordings, self._storage = recordings, storage
        self._journal, self._report = journal, report
        self.without: list[int] = []

    def put_all(self, store: Store) -> dict[int, Stored]:
        """Put what is not there yet; return every recording that is there, by its record."""
        known, found = self._journal.read(), dict[int, Stored]()
        total = sum(store.figures.states().values())
        for number, record in enumerate(store.records.every(), 1):
            try:
                found[record.id] = self._put(record, known.get(record.id))
            except RecordingMissing:
                self.without.append(record.id)
            self._report("recordings", number, total)
        return found

    def _put(self, record: Record, known: Put | None) -> Stored:
        """Put one recording. Raises RecordingMissing."""
        path = self._recordings.path(record)
        if not is_file(path):
            raise RecordingMissing
        file = Fingerprint.of(path)
        if known and known.file == file and self._has(known.stored):
            return known.stored
        digest = sha256_of(path)
        mark = digest[:MARK_DIGITS]  # a further run takes the same key
        key = record.storage_key or key_of(record.session_id, path.suffix, record.created_at, mark)
        stored = Stored(key, digest, file.size_bytes)
        self._storage.put(key, path, stored.sha256)
        if hash_of(self._storage, key) != stored.sha256:
            raise CannotMigrate(f"The storage gives recording {record.id} back with another content.")
        self._journal.add(Put(record.id, file, stored))
        return stored

    def _has(self, stored: Stored) -> bool:
        return self._storage.exists(stored.key) and self._storage.size(stored.key) == stored.size_bytes


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Let nothing of offhook run in this home meanwhile, as far as locks tell. Raises CannotMigrate."""
    lock = FileLock(settings.locks / LOCK)
    if not lock.acquire():
        raise CannotMigrate("Another move of this home is under way.")
    try:
        if any(not is_free(path) for path in settings.locks.glob("*.lock") if path.name != LOCK):
            raise CannotMigrate(f"offhook is running in {settings.home}. Stop it, and try again.")
        yield
    finally:
        lock.release()


def _look_at_target(url: str, store: Store, person: str | None) -> int | None:
    """Return the number of a person there, before anything is put. Raises CannotMigrate, PersonNotFound."""
    with Store.open(url) as target:
        there, here = (sum(it.figures.states().values()) for it in (target, store))
        if there not in (0, here):
            raise CannotMigrate(f"{target.name} has {there:,} records of its own. Give a new database.")
        return target.people.get(person).id if person else None


def _refuse_storage_of_home(target: Settings) -> None:
    if not target.storage:
        raise CannotMigrate("Give the team's storage: --storage FOLDER, or --storage s3://BUCKET/PREFIX.")


def _refuse_unfinished(settings: Settings, store: Store) -> None:
    """Refuse what another process has to finish or a person to decide first. Raises CannotMigrate."""
    if settings.database:
        raise CannotMigrate("The records of this home are on a server already.")
    if store.outbox.joined():
        raise CannotMigrate("This home hands its calls over to a server. `offhook leave` ends that.")
    if store.erasures.marked():
        raise CannotMigrate("A deletion is under way. Start offhook until it is finished, then stop it.")
    if damage := damaged_values(settings.database_file):
        raise CannotMigrate(f"The database is damaged: {damage[0]}. `offhook doctor` lists everything.")
