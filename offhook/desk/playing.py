"""What a browser plays of a record: its recording, or a copy if browsers cannot play that."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from archive.library import safe_name
from archive.playback_copies import playback_copy
from offhook.desk.desk import Desk
from offhook.desk.playable import MP4, mime_of
from shared.errors import OffhookError, RecordingMissing, StateConflict
from shared.files import Fingerprint, open_regular
from shared.store.values import Record

#: Recordings that are not finished; `live` listening is another matter.
UNFINISHED = ".part"
#: With these flags a browser plays less than the engine has heard, or at other times.
FLAGS_FOR_A_COPY = {
    *("header_size_missing", "header_size_stale", "cut_short", "damaged_audio", "gaps_filled"),
    *("times_wrong", "tracks_mixed", "track_left_out", "recordings_joined"),
}
SUFFIXES = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/webm": "webm",
}


class NeedsCopy(OffhookError):
    """Browsers cannot play this recording as it is; a copy is made first."""

    code = "playback_not_ready"


@dataclass(frozen=True)
class Playback:
    """Whether a record can be played, or how far its copy is, from 0 to 1; `why` says why there is none.

    `is_copy`: it is played from a copy, or would be.
    """

    ready: bool
    progress: float
    mime: str | None
    why: str | None
    is_copy: bool


class Sound:
    """A file that browsers play, as it was found. It may be moved or deleted meanwhile.

    A file is open only while a block is read: on Windows an open one can be neither moved nor deleted.
    """

    def __init__(self, mime: str, title: str, find: Callable[[], Path]) -> None:
        self.mime, self.name = mime, f"{safe_name(title)}.{SUFFIXES[mime]}"
        self._find = find
        self._path = find()
        with opened(self._path) as file:
            self._found = _fingerprint(file)

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return self._found.size_bytes

    @property
    def tag(self) -> str:
        """What the file's content is known by: a strong entity tag."""
        return f'"{self._found.size_bytes:x}-{self._found.modified_ns:x}"'

    def block(self, offset: int, most_bytes: int) -> bytes:
        """Read a block. Raises RecordingMissing if the file is gone, or another one is in its place."""
        try:
            return self._block(offset, most_bytes)
        except RecordingMissing:
            self._path = self._find()
            return self._block(offset, most_bytes)

    def _block(self, offset: int, most_bytes: int) -> bytes:
        with opened(self._path) as file:
            if _fingerprint(file) != self._found:
                raise RecordingMissing
            file.seek(offset)
            return file.read(most_bytes)


def playback(desk: Desk, record: Record) -> Playback:
    """Return how a record is played; a copy that it needs is made from now on. Raises RecordingMissing."""
    mime = _own_mime(desk, record)
    copy = playback_copy(desk.settings, record)
    task = desk.preparing.find("copy", record)
    if copy.is_file():
        return Playback(True, 1.0, MP4, None, is_copy=True)
    if mime and (task is None or task.why):
        return Playback(True, 1.0, mime, None, is_copy=False)
    task = task or desk.preparing.start("copy", record)
    return Playback(False, task.progress, None, task.why or None, is_copy=True)


def make_copy(desk: Desk, record: Record) -> Playback:
    """Make a copy in any case: for a browser that cannot play the recording, or after a failure."""
    if not playback_copy(desk.settings, record).is_file():
        _own_mime(desk, record)
        desk.preparing.start("copy", record, again=True)
    return playback(desk, record)


def sound(desk: Desk, record: Record) -> Sound:
    """Return the file to play: the copy if there is one. Raises RecordingMissing, NeedsCopy."""
    copy = playback_copy(desk.settings, record)
    with suppress(RecordingMissing):
        return Sound(MP4, record.title, lambda: copy)
    mime = _own_mime(desk, record)
    if mime is None:
        raise NeedsCopy
    return Sound(mime, record.title, lambda: _path(desk, record))


def opened(path: Path) -> BinaryIO:
    """Open a recording; no link, pipe or folder. Raises RecordingMissing."""
    try:
        return open_regular(path, follow_links=False)
    except (OSError, ValueError) as error:
        raise RecordingMissing from error


def _own_mime(desk: Desk, record: Record) -> str | None:
    """Return the type of the recording if browsers play it as it is. Raises RecordingMissing."""
    with opened(_path(desk, record)) as file:
        return None if FLAGS_FOR_A_COPY.intersection(record.flags) else mime_of(file)


def _path(desk: Desk, record: Record) -> Path:
    """Return where the recording is now: a worker may have moved it into the library, or it is fetched."""
    path = desk.recordings.path(desk.store.records.get(record.id))
    if path.suffix == UNFINISHED:
        raise StateConflict("The call is still being recorded.")
    return path


def _fingerprint(file: BinaryIO) -> Fingerprint:
    found = os.fstat(file.fileno())
    return Fingerprint(found.st_size, found.st_mtime_ns)
