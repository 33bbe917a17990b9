"""Brings a home back from a backup: checked first, made ready aside, then put in place, the database last.

A restore that was killed leaves a home without a database, which nobody takes for whole. It can be run again.
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

#: Gets what is being done, how many bytes of it are done, and of how many.
Report = Callable[[str, int, int], None]


class CannotRestore(OffhookError):
    """The backup cannot be restored there."""

    code = "cannot_restore"


@dataclass(frozen=True)
class Restored:
    """What has been restored, and how many recordings were being transcribed when the backup was made."""

    home: Path
    manifest: Manifest
    queued_again: int


def restore(backup: Path, settings: Settings, report: Report) -> Restored:
    """Restore a backup into the home of `settings`.

    Raises BadBackup, NewerDatabase, CannotRestore and OSError; then no recording is in that home.
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
        finally:  # a deletion would not look for words in there
            shutil.rmtree(part, ignore_errors=True)
    return Restored(settings.home, found, queued_again)


def _counted(what: str, found: Manifest, report: Report) -> Callable[[int], None]:
    done = 0

    def count(size_bytes: int) -> None:
        nonlocal done
        done += size_bytes
        report(what, done, found.size_bytes)

    return count


# Where a backup may be restored to


def _refuse_used(settings: Settings, found: Manifest) -> None:
    """Make sure that a home holds nothing that could be lost, and that nobody works in it."""
    home = settings.home
    if any(not is_free(lock) for lock in settings.locks.glob("*.lock") if lock.name != RESTORE_LOCK):
        raise CannotRestore(f"offhook is running in {home}. Stop it, and restore again.")
    if has_calls(settings.database):
        raise CannotRestore(f"{home} has recordings already. Restore into another folder: --into FOLDER.")
    for name, entry in found.files.items():
        if name != DATABASE and (home / name).exists() and not _is(home / name, entry):
            raise CannotRestore(f"{home / name} is in the way. Move it elsewhere, and restore again.")


def _refuse_names(backup: Path, home: Path, found: Manifest) -> None:
    """Make sure that no two names are one file here, and that Windows opens no device."""
    if names.folds(home) and (clash := names.clashes(found.files)):
        first, second = clash[0]
        raise BadBackup(f"{backup} has {first} and {second}, which are the same name on this disk.")
    if os.name == "nt" and (odd := next(filter(names.impossible_on_windows, found.files), None)):
        raise BadBackup(f"{backup} has {odd}, which is not a name that Windows can have.")


def _refuse_made_up(backup: Path) -> None:
    """Make sure that offhook has written the database, before any statement in it can run."""
    if found := oddities(backup / DATABASE):
        raise BadBackup(
            f"The database in {backup} was not written by offhook: {found[0]}. Nothing was restored."
        )


@contextmanager
def _removed_if_refused(settings: Settings) -> Iterator[None]:
    """Make the folders of a home; remove those that are new and empty if the restore is refused."""
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
            with suppress(OSError):  # somebody else has put something there
                folder.rmdir()
        raise


def _is(path: Path, entry: Entry) -> bool:
    """Whether a file is there already, as when a restore was killed behind it."""
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


# Aside


def _copy(backup: Path, part: Path, found: Manifest, report: Callable[[int], None]) -> None:
    for name, entry in found.files.items():
        try:
            copied = copy_file(backup / name, part / name, report)
        except Unreadable:
            copied = None
        if copied is None or copied.sha256 != entry.sha256:
            raise BadBackup(f"{backup / name} has changed while it was restored.")
        _set_time(part / name, entry.modified_ns)


def _make_ready(path: Path, old_home: str, home: Path) -> int:
    """Bring a database up to date and make it that of its new home; return how many were queued again.

    What a worker held is handed back: it counts no attempt, and goes on behind the last window.
    """
    with Store.open(path) as store:
        _refuse_strays(store)
        with store.transaction():
            store.relocation.move(old_home, home)
            _keep_inside(store, home)
            held = store.records.processing()
            for record in held:
                store.claims.hand_back(Claim(record, record.claim_token or ""))
        store.make_movable()
    return len(held)


def _refuse_strays(store: Store) -> None:
    """Make sure that no transcript would be written outside of the library."""
    if not all(manifest.is_kept(Path(stem)) for stem in store.records.library_stems()):
        raise BadBackup("The database in the backup was made up: it names files outside of its library.")


def _keep_inside(store: Store, home: Path) -> None:
    """Have recordings that are not in the queue yet go to the inbox, and not to a path of another machine."""
    for found in store.captures.unfinished():
        place = Path(found.recording_path)
        if place.parent != home / "inbox":
            inside = home / "inbox" / f"{safe_name(place.stem)}.wav"
            store.captures.change(found.session_id, recording_path=str(inside))


def _set_time(path: Path, modified_ns: int) -> None:
    """Give a file the time by which its record knows it; not every disk that a backup lies on keeps it."""
    os.utime(path, ns=(modified_ns, modified_ns))


# In place


def _put_in_place(part: Path, settings: Settings, found: Manifest) -> None:
    """Move everything to its place: the inbox late, where new files are looked for, the database last."""
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
