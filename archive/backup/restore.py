"""Restores a home from a backup: checks it, prepares a copy, then moves it into place, the database last.

A restore that was killed leaves a home without the restored database. It can be run again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from archive.backup import manifest, names
from archive.backup.copying import Unreadable, copy_file
from archive.backup.manifest import DATABASE, BadBackup, Entry, Manifest
from archive.library import safe_name
from shared import home as folders
from shared.errors import OffhookError
from shared.files import sha256_of, sync_folder
from shared.home import FOLDER_MODE, RESTORE_LOCK, RESTORE_PART
from shared.locks import FileLock, is_free
from shared.settings import Settings
from shared.store.claims import Claim
from shared.store.store import Store, has_calls, oddities

#: Called with the name of the step, the bytes done and the bytes in all.
Report = Callable[[str, int, int], None]


class CannotRestore(OffhookError):
    """The backup cannot be restored into this home."""

    code = "cannot_restore"


@dataclass(frozen=True)
class Restored:
    """A finished restore; `queued_again` recordings were being transcribed when the backup was made."""

    home: Path
    manifest: Manifest
    queued_again: int


def restore(backup: Path, settings: Settings, report: Report) -> Restored:
    """Restore a backup into the home of `settings`.

    Raises BadBackup, NewerDatabase, CannotRestore, OSError. Files may be in place by then, the database is
    not; the restore can be run again.
    """
    found = manifest.read(backup)
    _refuse_names(backup, settings.home, found)
    manifest.verify(backup, found, _counted("checking", found, report))
    _refuse_made_up(backup)
    _refuse_used(settings, found)
    with _removed_if_refused(settings), _alone(settings):
        part = settings.home / RESTORE_PART
        if part.exists():
            shutil.rmtree(part)
        part.mkdir(mode=FOLDER_MODE)
        try:
            _copy(backup, part, found, _counted("copying", found, report))
            queued_again = _make_ready(part / DATABASE, found.home, settings.home)
            _put_in_place(part, settings, found)
        finally:  # the partial copy has transcripts
            shutil.rmtree(part, ignore_errors=True)
    return Restored(settings.home, found, queued_again)


def _counted(what: str, found: Manifest, report: Report) -> Callable[[int], None]:
    done = 0

    def count(size_bytes: int) -> None:
        nonlocal done
        done += size_bytes
        report(what, done, found.size_bytes)

    return count


# Checks


def _refuse_used(settings: Settings, found: Manifest) -> None:
    """Check that nothing in the home could be lost and that no offhook process runs in it."""
    home = settings.home
    if any(not is_free(lock) for lock in settings.locks.glob("*.lock") if lock.name != RESTORE_LOCK):
        raise CannotRestore(f"offhook is running in {home}. Stop it, and restore again.")
    if settings.database:
        raise CannotRestore(
            "The records of this home are on a server. pg_restore brings them back; see docs/team.md."
        )
    if has_calls(settings.database_file):
        raise CannotRestore(f"{home} already has recordings. Restore into another folder: --into FOLDER.")
    for name, entry in found.files.items():
        if name != DATABASE and (home / name).exists() and not _is(home / name, entry):
            raise CannotRestore(f"{home / name} is in the way. Move it elsewhere, and restore again.")


def _refuse_names(backup: Path, home: Path, found: Manifest) -> None:
    """Check that no two names are one file here, and that Windows opens no device."""
    if names.folds(home) and (clash := names.clashes(found.files)):
        first, second = clash[0]
        raise BadBackup(f"{backup} has {first} and {second}, which are the same name on this disk.")
    if os.name == "nt" and (odd := next(filter(names.impossible_on_windows, found.files), None)):
        raise BadBackup(f"{backup} has {odd}, which Windows does not allow as a name.")


def _refuse_made_up(backup: Path) -> None:
    """Check that offhook wrote the database, before any trigger or view in it can run."""
    if found := oddities(backup / DATABASE):
        raise BadBackup(
            f"The database in {backup} was not written by offhook: {found[0]}. Nothing was restored."
        )


@contextmanager
def _removed_if_refused(settings: Settings) -> Iterator[None]:
    """Create the folders of a home; remove those that are new and empty if the restore fails."""
    home = settings.home
    new = [folder for folder in (home, *home.parents) if not folder.exists()]
    inner = [folder for folder in folders.folders_of(settings) if not folder.exists()]
    folders.prepare(settings)
    try:
        yield
    except BaseException:
        if settings.locks in inner:
            (settings.locks / RESTORE_LOCK).unlink(missing_ok=True)
        for folder in dict.fromkeys([*reversed(inner), *new]):
            with suppress(OSError):  # another program has put something there
                folder.rmdir()
        raise


def _is(path: Path, entry: Entry) -> bool:
    """Whether a file is there already, as after a restore that was killed."""
    return path.is_file() and path.stat().st_size == entry.size_bytes and sha256_of(path) == entry.sha256


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    lock = FileLock(settings.locks / RESTORE_LOCK)
    if not lock.acquire():
        raise CannotRestore(f"Another restore into {settings.home} is running.")
    try:
        yield
    finally:
        lock.release()


# The partial copy


def _copy(backup: Path, part: Path, found: Manifest, report: Callable[[int], None]) -> None:
    for name, entry in found.files.items():
        try:
            copied = copy_file(backup / name, part / name, report, follow_links=False)
        except Unreadable:
            copied = None
        if copied is None or copied.sha256 != entry.sha256:
            raise BadBackup(f"{backup / name} changed during the restore.")
        _set_time(part / name, entry.modified_ns)


def _make_ready(path: Path, old_home: str, home: Path) -> int:
    """Migrate a database and relocate it to its new home; return how many records were queued again.

    Records that were processing are handed back: no attempt is counted, and the next one continues after the
    last committed window.
    """
    with Store.open(path) as store:
        _refuse_strays(store)
        with store.transaction():
            store.relocation.move(old_home, home)
            _keep_inside(store, home)
            processing = store.records.processing()
            for record in processing:
                store.claims.hand_back(Claim(record, record.claim_token or ""))
        store.make_movable()
    return len(processing)


def _refuse_strays(store: Store) -> None:
    """Check that no transcript would be written outside the library."""
    if not all(manifest.is_kept(Path(stem)) for stem in store.places.stems()):
        raise BadBackup("The database in the backup is forged: it names files outside its library.")


def _keep_inside(store: Store, home: Path) -> None:
    """Let unfinished recordings go to the inbox instead of a path of another machine."""
    for found in store.captures.unfinished():
        place = Path(found.recording_path)
        if place.parent != home / "inbox":
            inside = home / "inbox" / f"{safe_name(place.stem)}.wav"
            store.captures.change(found.session_id, recording_path=str(inside))


def _set_time(path: Path, modified_ns: int) -> None:
    """Set the modification time that a file's record has; the backup's disk may have lost it."""
    os.utime(path, ns=(modified_ns, modified_ns))


# Moving into place


def _put_in_place(part: Path, settings: Settings, found: Manifest) -> None:
    """Move everything into place: the inbox after the other files, the database last."""
    home = settings.home
    files = sorted((n for n in found.files if n != DATABASE), key=lambda n: Path(n).parts[0] == "inbox")
    for name in files:
        (home / name).parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        (part / name).replace(home / name)
    for folder in {home, *((home / name).parent for name in files)}:
        sync_folder(folder)
    _refuse_used(settings, replace(found, files={}))
    for leftover in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (home / leftover).unlink(missing_ok=True)  # of a database without records
    (part / DATABASE).replace(home / DATABASE)
    sync_folder(home)
