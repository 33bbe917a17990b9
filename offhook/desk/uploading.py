"""Takes recordings that are sent: into a file of their own, then into the inbox, with a record at once.

An upload is a file and a row; the length of the file is how far it is. A death at any step is answered:

* after the file was made, before its row: `archive/uploads.py` removes the file;
* while bytes arrive: what has arrived stays, and the sender goes on from there;
* when all have arrived, before the move: `resume` finishes it, as does the sender's next request;
* after the move, before the record: the row names the place, so the inbox makes the record from the row
  (`transcribe_worker/inbox/sweep.py`), as does `resume`;
* after the record, before the answer: the record has the upload's id as its session id.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TypeVar

from archive.library import safe_name
from archive.uploads import KEPT_SECONDS, LeftUploads
from offhook.desk.adding import Added, check_language, too_large
from offhook.desk.desk import Desk
from offhook.desk.part_file import PartFile, make_sure_of_room
from offhook.desk.record_choices import RecordChoices
from offhook.desk.upload_records import UnknownUpload, WholeUpload, record_made_of
from shared.errors import EmptyRecording, NotARecording, OffhookError
from shared.files import names_in, sha256_of
from shared.home import part_of
from shared.inbox_names import may_be_recording
from shared.logs import discreet
from shared.store.transitions import QUEUED
from shared.store.uploads import owner_of
from shared.store.values import Record, Upload
from shared.store.view import View

log = logging.getLogger(__name__)

Found = TypeVar("Found")

#: Of one person, and files of all: what one begins does not keep others from sending.
MOST_UNFINISHED, MOST_OF_A_TEAM = 100, 2_000
#: What stays free on the disk, for a running recording: less is too little for `offhook doctor`.
SPARE_BYTES = 200_000_000


class WrongOffset(OffhookError):
    """The upload is not where the sender goes on. Ask for its offset, and go on from there."""

    code = "wrong_offset"

    def __init__(self, message: str | None = None, offset: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset


class TooManyUploads(OffhookError):
    """There are too many unfinished uploads. Finish or cancel some of them."""

    code = "too_many_uploads"


class Uploads:
    """The uploads of one home. Any number of threads may use it."""

    _finishing = threading.Lock()  # of two uploads with one content, the second is known

    def __init__(self, desk: Desk, spare_bytes: int = SPARE_BYTES) -> None:
        self._desk, self._spare_bytes = desk, spare_bytes

    @property
    def largest_bytes(self) -> float:
        """The largest recording that is taken."""
        return self._desk.settings.largest_file_bytes

    # Looking

    def find(self, upload_id: str) -> Upload:
        """Return an unfinished upload. Raises UnknownUpload."""
        found = self._desk.store.uploads.find(upload_id)
        if found is None:
            raise UnknownUpload
        return found

    def record_of(self, upload_id: str) -> Record | None:
        """Return the record that an upload has become."""
        return self._desk.store.records.of_session(upload_id)

    def unfinished(self) -> list[Upload]:
        """Return the uploads that are no records yet, the oldest first."""
        return self._desk.store.uploads.every()

    def offset(self, upload: Upload) -> int:
        """Return how many bytes have arrived. Raises UnknownUpload."""
        return self._of_file(upload, lambda path: path.stat().st_size)

    def expires_at(self, upload: Upload) -> float:
        """Return when the upload is given up if no byte arrives."""
        with suppress(FileNotFoundError):
            return self._part(upload.id).stat().st_mtime + KEPT_SECONDS
        return upload.created_at + KEPT_SECONDS

    # Sending

    def begin(self, name: str, size_bytes: int, chosen: RecordChoices) -> Upload:
        """Begin an upload that can be interrupted. Raises EmptyRecording, and as `open` does."""
        if size_bytes == 0:
            raise EmptyRecording
        check_language(self._desk, chosen.options)
        part = self.open(name, size_bytes)
        try:
            return self._add(part, name, size_bytes, chosen)
        except BaseException:
            self.abandon(part)
            raise
        finally:
            part.close()

    def open(self, name: str, size_bytes: int | None = None) -> PartFile:
        """Open the file of a new upload; `received` or `abandon` follows. None is an unknown size.

        Raises NotARecording, TooLarge, TooManyUploads, DiskFull.
        """
        most_bytes = self._checked(name, size_bytes)
        path = self._part(str(uuid.uuid4()))
        return PartFile(path, most_bytes=most_bytes, spare_bytes=self._spare_bytes, is_new=True)

    def received(self, part: PartFile, name: str, chosen: RecordChoices) -> Upload:
        """Give a file that was received in one go its row; `finish` follows.

        Raises EmptyRecording, ModelMissing; then `abandon` follows.
        """
        if part.size_bytes == 0:
            raise EmptyRecording
        check_language(self._desk, chosen.options)
        upload = self._add(part, name, part.size_bytes, chosen)
        part.close()
        return upload

    def abandon(self, part: PartFile) -> None:
        """Remove a file that was not received."""
        part.close()
        part.path.unlink(missing_ok=True)

    def appending(self, upload: Upload, offset: int) -> PartFile:
        """Open the file of an upload to go on at an offset; the caller closes it.

        Raises WrongOffset, UploadBusy, UnknownUpload.
        """
        try:
            part = PartFile(
                self._part(upload.id), most_bytes=upload.size_bytes, spare_bytes=self._spare_bytes
            )
        except FileNotFoundError:
            raise UnknownUpload from None
        if part.size_bytes != offset:
            part.close()
            raise WrongOffset(
                f"{part.size_bytes:,} bytes have arrived, and the sender goes on at {offset:,}. "
                "Ask for the offset, and go on from there."
            )
        return part

    def cancel(self, upload_id: str) -> None:
        """Remove an upload. Raises UnknownUpload, UploadBusy."""
        with self._finishing:
            part = self._part(self.find(upload_id).id)
            with suppress(FileNotFoundError):
                PartFile(part, most_bytes=0, spare_bytes=0).close()  # nobody is sending it
            self._desk.store.uploads.drop(upload_id)
            part.unlink(missing_ok=True)

    # Finishing

    def finish(self, upload_id: str) -> Added:
        """Turn a whole upload into a record, or find the record of its content.

        Raises UnknownUpload; WrongOffset if bytes are missing. Can be repeated.
        """
        upload = self._desk.store.uploads.find(upload_id)
        if upload is None:
            return Added(record_made_of(self._desk.store, upload_id), was_known=False)
        if self.offset(upload) != upload.size_bytes:
            raise WrongOffset
        sha256 = self._of_file(upload, sha256_of)
        with self._finishing:
            added = WholeUpload(self._desk, upload, self._part(upload.id), sha256).added()
        if added.record.transcription_status == QUEUED:
            self._desk.hint(added.record.id, added.record.priority)
        log.info("recording %d: taken from an upload", added.record.id)
        return added

    def resume(self) -> None:
        """Finish what is whole, as after a killed server, and remove what nobody goes on with."""
        for upload in self.unfinished():
            try:
                if self.offset(upload) == upload.size_bytes:
                    Uploads(_as_sender(self._desk, upload)).finish(upload.id)
            except (OSError, OffhookError) as error:
                log.warning("an upload cannot be finished: %s", discreet(error))
        LeftUploads(self._desk.settings, self._desk.store).remove()

    # Helpers

    def _of_file(self, upload: Upload, read: Callable[[Path], Found]) -> Found:
        """Read something of an upload's file, before or after it is moved. Raises UnknownUpload."""
        for path in (self._part(upload.id), Path(upload.recording_path)):
            with suppress(FileNotFoundError):
                return read(path)
        raise UnknownUpload

    def _part(self, upload_id: str) -> Path:
        return part_of(self._desk.settings.uploads, upload_id)

    def _add(self, part: PartFile, name: str, size_bytes: int, chosen: RecordChoices) -> Upload:
        if self._desk.store.view.owner_id is not None:
            chosen = chosen.in_turn()
        upload_id = part.path.stem
        place = self._desk.settings.inbox / _inbox_name(name, upload_id)
        return self._desk.store.uploads.begin(
            upload_id, place, name=name, size_bytes=size_bytes, options=chosen.stored()
        )

    def _checked(self, name: str, size_bytes: int | None) -> float:
        """Return how many bytes may come. Raises as `begin`."""
        settings = self._desk.settings
        if not may_be_recording(name):
            raise NotARecording(
                f'"{name}" has not the ending of a recording, such as .wav, .mp3, .m4a or .mp4. '
                "Rename it if it is one."
            )
        if size_bytes is not None and size_bytes > settings.largest_file_bytes:
            raise too_large("It", size_bytes, settings.largest_file_gb)
        store = self._desk.store
        most_files = MOST_UNFINISHED if store.view.person_id is None else MOST_OF_A_TEAM
        if len(names_in(settings.uploads)) >= most_files or store.uploads.count_own() >= MOST_UNFINISHED:
            raise TooManyUploads
        make_sure_of_room(settings.uploads, size_bytes or 0, self._spare_bytes)
        return settings.largest_file_bytes if size_bytes is None else size_bytes


def finish_left(desk: Desk, _: threading.Event) -> None:
    """Finish the uploads that were whole when the server before this one was killed."""
    Uploads(desk).resume()


def _as_sender(desk: Desk, upload: Upload) -> Desk:
    """Return the desk as the sender of an upload sees it: the same recording of another person is unknown."""
    owner_id = owner_of(upload)
    if owner_id is None:
        return desk
    person = desk.store.people.find(owner_id)
    return desk.seen_by(View(owner_id, owner_id, person.name if person else ""))


def _inbox_name(name: str, upload_id: str) -> str:
    """Return a name in the inbox that no other file has: it has a part of the upload's id."""
    path = PurePath(name)
    return f"{safe_name(path.stem)} {upload_id[:8]}{path.suffix.lower()}"
