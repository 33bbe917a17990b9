"""Makes a consistent copy of a home while everything in it runs: the database first, then its files.

The copied database is a snapshot. The files it names are copied under the names in the snapshot, even if
they have moved since. The name of an unfinished backup ends in `.part`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archive.backup.copying import CannotBackUp, Gone, Unreadable, copy_file
from archive.backup.manifest import CONFIG, DATABASE, NAME, Absence, Entry, Manifest, is_kept
from archive.exports import IN_LIBRARY
from archive.library import Library, beside, write_whole
from shared.errors import StoreError
from shared.files import Fingerprint, real, sha256_of, sync_folder
from shared.home import FOLDER_MODE
from shared.locks import FileLock
from shared.settings import Settings
from shared.store.store import Store, copy_database
from shared.store.values import Record
from shared.times import iso

PREFIX, PARTIAL = "offhook-backup-", ".part"
LOCK = ".offhook-backup.lock"
#: Attempts to find a file that may be moving.
LOOKS = 3
#: Free space to leave for a running recording on the same disk.
SPARE_BYTES = 500_000_000
#: Why a recording is missing from a backup, or differs from its record.
GONE, CHANGED, UNREADABLE, ELSEWHERE = "gone", "changed", "unreadable", "elsewhere"

#: Called with the name of the step, the bytes copied and the bytes in all.
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wanted:
    """A file that the copied database refers to: its name in the backup, and the paths where it may be."""

    name: Path
    places: tuple[Path, ...]
    record_id: int | None = None
    session_id: str | None = None
    sha256: str | None = None
    fingerprint: Fingerprint | None = None
    is_recording: bool = True


@dataclass(frozen=True)
class Backup:
    """A finished backup."""

    path: Path
    manifest: Manifest


def back_up(
    settings: Settings, store: Store, folder: Path, report: Report, clock: Callable[[], float] = time.time
) -> Backup:
    """Copy a home into a new folder in `folder`.

    If it raises CannotBackUp or OSError, the unfinished copy is removed.
    """
    if settings.database:
        raise CannotBackUp(
            "The records of this home are on a server. pg_dump copies them; docs/team.md has the steps."
        )
    folder = folder.absolute()
    _refuse_inside(settings.home, folder)
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with _alone(folder):
        _remove_unfinished(folder)
        path = _free_name(folder, clock())
        part = path.with_name(path.name + PARTIAL)
        try:
            part.mkdir(mode=FOLDER_MODE)
            manifest = _Copier(settings, store, part, report).copy(clock())
            write_whole(part / NAME, manifest.as_json())
            for inner in (part, *(found for found in part.rglob("*") if found.is_dir())):
                sync_folder(inner)
            part.rename(path)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        sync_folder(folder)
    return Backup(path, manifest)


class _Copier:
    """Copies one home into one folder."""

    def __init__(self, settings: Settings, store: Store, part: Path, report: Report) -> None:
        self._settings, self._part, self._report = settings, part, report
        self._store, self._library = store, Library(settings, store)
        self._files: dict[str, Entry] = {}
        self._missing: list[Absence] = []
        self._elsewhere: list[Absence] = []
        self._done_bytes = self._total_bytes = 0

    def copy(self, now: float) -> Manifest:
        """Copy everything; return the manifest."""
        copied = self._part / DATABASE
        self._make_sure_of_room(self._settings.database_file.stat().st_size)
        try:
            copy_database(
                self._settings.database_file,
                copied,
                lambda done, total: self._report("database", done, total),
            )
        except StoreError as error:
            raise CannotBackUp(str(error)) from error
        self._files[DATABASE] = Entry(copied.stat().st_size, copied.stat().st_mtime_ns, sha256_of(copied))
        wanted, counts, schema = self._look_into(copied)
        self._total_bytes = sum(item.fingerprint.size_bytes for item in wanted if item.fingerprint)
        self._make_sure_of_room(self._total_bytes)
        for item in wanted:
            self._take(item)
        return Manifest(
            created_at=iso(now),
            home=str(self._settings.home),
            schema=schema,
            counts=counts,
            files=self._files,
            missing=self._missing,
            elsewhere=self._elsewhere,
        )

    def _look_into(self, copied: Path) -> tuple[list[Wanted], dict[str, int], list[str]]:
        """Return the files that the copied database refers to, its records by state, and its schema."""
        with Store.as_it_is(copied) as there:
            wanted = [*self._of_records(there), *self._of_captures(there), *self._of_the_home()]
            return wanted, there.records.counts(), there.schema_names()

    def _of_records(self, there: Store) -> Iterator[Wanted]:
        for record in there.records.every():
            if record.storage_key is not None:
                yield from self._of_the_storage(record, record.storage_key)
                continue
            path, found = Path(record.recording_path), self._library.find(record)
            if name := self._name(path) or self._name(found):  # the home may have been moved as a whole
                owner = (record.id, record.session_id)
                yield Wanted(name, (path, found), *owner, record.sha256, _fingerprint(record))
            else:
                self._elsewhere.append(Absence(record.id, str(path), ELSEWHERE))
            if stem := self._library.stem_of(record):
                yield from (self._as_it_is(beside(stem, suffix)) for suffix in IN_LIBRARY)

    def _of_the_storage(self, record: Record, key: str) -> Iterator[Wanted]:
        """Yield a recording of the home's own storage; another storage has backups of its own."""
        if self._settings.storage:
            self._elsewhere.append(Absence(record.id, key, ELSEWHERE))
            return
        path = self._settings.stored / key
        if name := self._name(path):
            yield Wanted(name, (path,), record.id, record.session_id, record.sha256)

    def _of_captures(self, there: Store) -> Iterator[Wanted]:
        """Yield recordings that are not in the queue yet, running ones included."""
        found = {row.session_id: Path(row.recording_path) for row in there.captures.unfinished()}
        for session_id, place in found.items():
            part = self._settings.recording / f"{session_id}.part"
            name = part.relative_to(self._settings.home)
            yield Wanted(name, (part, place), session_id=session_id)
        for part in sorted(self._settings.recording.glob("*.part")):
            if part.stem not in found:  # begun since, or while the database could not be written
                yield self._as_it_is(part)

    def _of_the_home(self) -> Iterator[Wanted]:
        receipts = sorted(self._settings.receipts.glob("erasure-*.json"))
        edits = sorted(self._settings.edits.glob("*.txt"))
        own = (self._settings.home / CONFIG, self._settings.glossary)
        yield from map(self._as_it_is, (*own, *edits, *receipts))

    def _as_it_is(self, path: Path) -> Wanted:
        """Copy a file if it exists; its absence is no fault of the backup."""
        return Wanted(path.relative_to(self._settings.home), (path,), is_recording=False)

    def _name(self, path: Path) -> Path | None:
        """Name a file relative to the home; None if it is not the home's."""
        if not path.is_relative_to(self._settings.home):
            return None
        name = path.relative_to(self._settings.home)
        return name if is_kept(name) and str(name) not in (DATABASE, CONFIG) else None

    def _make_sure_of_room(self, size_bytes: int) -> None:
        beside = self._part.stat().st_dev == self._settings.home.stat().st_dev
        needed = size_bytes + (SPARE_BYTES if beside else 0)
        free = shutil.disk_usage(self._part).free
        if needed > free:
            raise CannotBackUp(
                f"{self._part.parent} has {free / 1e6:,.1f} MB free, and {needed / 1e6:,.1f} MB are needed."
            )

    def _take(self, item: Wanted) -> None:
        """Copy a file; note a recording that is missing or differs from its record."""
        name = item.name.as_posix()
        try:
            entry = self._files.get(name) or self._copied(item)
        except Unreadable:
            reason: str | None = UNREADABLE
        else:
            if entry:
                self._files[name] = entry
            reason = GONE if entry is None else CHANGED if item.sha256 not in (None, entry.sha256) else None
        if reason and item.is_recording:
            self._missing.append(Absence(item.record_id, str(item.places[0]), reason))

    def _copied(self, item: Wanted) -> Entry | None:
        """Copy a file from where it is now; None if it is not found. Raises Unreadable."""
        for _ in range(LOOKS):
            with suppress(Gone):  # it has just moved
                if path := self._where(item):
                    return self._copy(item, path)
        return None

    def _copy(self, item: Wanted, path: Path) -> Entry:
        """Copy a file: no link in the inbox, and none larger than a recording may be or than it was."""
        known_bytes = item.fingerprint.size_bytes if item.fingerprint else 0
        return copy_file(
            path,
            self._part / item.name,
            self._count,
            follow_links=path.parent != self._settings.inbox,
            most_bytes=max(known_bytes, self._settings.largest_file_bytes),
        )

    def _where(self, item: Wanted) -> Path | None:
        """Find a file: one with the recorded fingerprint first, else any other of its name."""
        there = []
        for path in self._places(item):
            try:
                found = Fingerprint.of(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise Unreadable from error
            if item.fingerprint in (None, found):
                return path
            there.append(path)
        return next(iter(there), None)

    def _places(self, item: Wanted) -> Iterator[Path]:
        yield from item.places
        moved = self._store.records.of_session(item.session_id) if item.session_id else None
        if moved and moved.storage_key is None:
            yield Path(moved.recording_path)
            yield self._library.find(moved)

    def _count(self, size_bytes: int) -> None:
        self._done_bytes += size_bytes
        self._total_bytes = max(self._total_bytes, self._done_bytes)
        self._report("files", self._done_bytes, self._total_bytes)


def _fingerprint(record: Record) -> Fingerprint | None:
    if record.size_bytes is None or record.modified_ns is None:
        return None
    return Fingerprint(record.size_bytes, record.modified_ns)


def _refuse_inside(home: Path, folder: Path) -> None:
    if real(folder).is_relative_to(real(home)):
        raise CannotBackUp(f"{folder} is inside the home folder. Choose a folder outside {home}.")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only backup into a folder, so that its unfinished backups can be removed."""
    lock = FileLock(folder / LOCK)
    if not lock.acquire():
        raise CannotBackUp(f"Another backup into {folder} is running. Try again when it is done.")
    try:
        yield
    finally:
        lock.release()


def _remove_unfinished(folder: Path) -> None:
    for part in folder.glob(f"{PREFIX}*{PARTIAL}"):
        shutil.rmtree(part)


def _free_name(folder: Path, now: float) -> Path:
    moment = datetime.fromtimestamp(now, UTC).astimezone()
    while (path := folder / f"{PREFIX}{moment:%Y%m%d-%H%M%S}").exists():
        moment += timedelta(seconds=1)
    return path
