"""Queues files where they are; the inbox is for files that offhook may move."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archive.storage.errors import RecordingDamaged
from archive.storage.taking import Taking
from offhook.desk.desk import Desk
from shared.errors import OffhookError, TooLarge
from shared.files import Fingerprint, LargerThanAllowed, sha256_of
from shared.settings import GB
from shared.store.transitions import COMPLETED, PROCESSING, QUEUED
from shared.store.values import Record
from transcribe_worker import model_files

#: Names of open files of the process that uses them.
_STREAMS = ("/dev/stdin", "/dev/fd/", "/proc/")


class CannotAdd(OffhookError):
    """The file cannot be queued."""

    code = "cannot_add"


@dataclass(frozen=True)
class Added:
    """The record of a file, and whether this content was known before."""

    record: Record
    was_known: bool


def add_file(desk: Desk, path: Path, options: Mapping[str, Any], **columns: Any) -> Added:
    """Queue a file, or find the record of its content.

    Raises CannotAdd, TooLarge, SettingsError, StateConflict, StorageError.

    Content that was transcribed before is done again only if options are given; what failed is
    always tried again, and what still waits takes on what is given now.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 (resolve() would follow links)
    fingerprint, sha256 = _read(path, desk.settings.largest_file_gb)
    given = {name: value for name, value in columns.items() if value is not None}
    check_language(desk, options)
    is_there = is_at_hand(desk, desk.store.records.with_content(sha256))
    taking = Taking(desk.settings, desk.store)
    stored = None if is_there else taking.put(path, sha256)
    with desk.store.transaction():
        known = desk.store.records.with_content(sha256)
        if known is None:
            content = {"sha256": sha256, **asdict(fingerprint)}
            own = {"title": path.stem, "recording_path": str(path), "options": dict(options)}
            record = desk.store.records.add(**{"source": "added", **own, **content, **given})
        else:
            if not is_there:
                taking.leave(known)
                file = {**asdict(fingerprint), "storage_key": None}
                desk.store.records.note_move(known.id, str(path), file)
            record = taken_up(desk, known, options, given)
        record = taking.give(record, stored) if stored else record
    if record.transcription_status == QUEUED:
        desk.hint(record.id, record.priority)
    return Added(record, known is not None)


def is_at_hand(desk: Desk, known: Record | None) -> bool:
    """Whether a record has its recording, undamaged as far as is known. Call it outside of a transaction.

    Raises StorageError.
    """
    is_sound = known is not None and known.error_code != RecordingDamaged.code
    return known is not None and is_sound and desk.recordings.exists(known)


def taken_up(desk: Desk, known: Record, options: Mapping[str, Any], given: Mapping[str, Any]) -> Record:
    """Do with a known recording what the person asks for now."""
    status = known.transcription_status
    if status == QUEUED or (status == PROCESSING and options):
        urgent = max(known.priority, given.get("priority", 0))
        return desk.store.records.revise(known.id, options, **{**given, "priority": urgent})
    if status == PROCESSING or (status == COMPLETED and not options):
        return known
    return desk.store.records.requeue(known.id, options)


def check_language(desk: Desk, options: Mapping[str, Any]) -> None:
    """Refuse a language that the model cannot hear, which would only wait."""
    if options.get("language"):
        model = options.get("model", desk.settings.model)
        model_files.find(desk.settings.models, model, options["language"])


def too_large(what: str, size_bytes: int, largest_gb: float) -> TooLarge:
    """Return the error for a recording that is larger than the setting allows."""
    return TooLarge(
        f"{what} has {size_bytes / GB:,.5g} GB, and largest_file_gb allows {largest_gb:g}. "
        "Raise largest_file_gb, or cut the recording into pieces."
    )


def check_all(paths: Iterable[Path]) -> None:
    """Make sure that all files are there before the first is queued. Raises CannotAdd."""
    for path in paths:
        _look_at(path)


def _read(path: Path, largest_gb: float) -> tuple[Fingerprint, str]:
    _look_at(path)
    try:
        return Fingerprint.of(path), sha256_of(path, most_bytes=largest_gb * GB)
    except LargerThanAllowed as error:
        raise too_large(str(path), path.stat().st_size, largest_gb) from error
    except OSError as error:
        raise CannotAdd(f"{path} cannot be read: {error.strerror}.") from error


def _look_at(path: Path) -> None:
    try:
        str(path).encode()
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise CannotAdd(f"{path} is a folder. Give the recordings themselves, such as {path}/*.wav.")
        if not stat.S_ISREG(mode) or _is_stream(path):
            raise CannotAdd(f"{path} is not a regular file. Save the recording to a file, and add that.")
    except UnicodeEncodeError:
        raise CannotAdd(
            f"The name of {str(path)!a} is not valid text. Rename the file and try again."
        ) from None
    except FileNotFoundError:
        raise CannotAdd(f"There is no file {path}.") from None
    except OSError as error:
        raise CannotAdd(f"{path} cannot be read: {error.strerror}.") from error


def _is_stream(path: Path) -> bool:
    """Whether a name means an open file of the process that uses it, such as `/dev/stdin`."""
    absolute = os.path.abspath(path)  # noqa: PTH100 (resolve() would follow links)
    return os.name == "posix" and absolute.startswith(_STREAMS)
