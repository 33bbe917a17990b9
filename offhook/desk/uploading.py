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
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path, PurePath

from archive.library import Library, safe_name
from archive.uploads import KEPT_SECONDS, LeftUploads
from offhook.desk.adding import Added, check_language, taken_up
from offhook.desk.desk import Desk
from offhook.desk.part_file import PartFile, make_sure_of_room
from offhook.desk.wishes import Wishes
from shared.errors import EmptyRecording, NotARecording, OffhookError, RecordingMissing, TooLarge
from shared.files import Fingerprint, move, names_in, sha256_of, sync_folder
from shared.home import part_of
from shared.inbox_names import may_be_recording
from shared.logs import discreet
from shared.settings import GB
from shared.store.inbox_files import ADOPTED
from shared.store.transitions import PROCESSING, QUEUED
from shared.store.values import Record, Upload

log = logging.getLogger(__name__)

MOST_UNFINISHED = 100
#: What stays free on the disk, for a running recording: less is too little for `offhook doctor`.
SPARE_BYTES = 200_000_000
#: What a known record that still waits takes on from an upload of its content.
_TAKEN_ON = ("priority", "candidate_id", "project_id")


class UnknownUpload(OffhookError):
    """There is no such upload: it was cancelled, or was given up. Send the recording again."""

    code = "unknown_upload"


class WrongOffset(OffhookError):
    """The upload is not where the sender goes on. Ask for its offset, and go on from there."""

    code = "wrong_offset"


class TooManyUploads(OffhookError):
    """There are too many unfinished uploads. Finish or cancel some of them."""

    code = "too_many_uploads"


class Uploads:
    """The uploads of one home. Any number of threads may use it."""

    def __init__(self, desk: Desk, spare_bytes: int = SPARE_BYTES) -> None:
        self._desk, self._spare_bytes = desk, spare_bytes
        self._taking_in = threading.Lock()

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
        for path in (self._part(upload.id), Path(upload.recording_path)):
            with suppress(FileNotFoundError):
                return path.stat().st_size
        raise UnknownUpload

    def expires_at(self, upload: Upload) -> float:
        """Return when the upload is given up if no byte arrives."""
        with suppress(FileNotFoundError):
            return self._part(upload.id).stat().st_mtime + KEPT_SECONDS
        return upload.created_at + KEPT_SECONDS

    # Sending

    def begin(self, name: str, size_bytes: int, wishes: Wishes) -> Upload:
        """Begin an upload that can be interrupted. Raises EmptyRecording, and as `open` does."""
        if size_bytes == 0:
            raise EmptyRecording
        check_language(self._desk, wishes.options)
        part = self.open(name, size_bytes)
        try:
            return self._add(part, name, size_bytes, wishes)
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

    def received(self, part: PartFile, name: str, wishes: Wishes) -> Upload:
        """Give a file that was received in one go its row; `finish` follows.

        Raises EmptyRecording, ModelMissing; then `abandon` follows.
        """
        if part.size_bytes == 0:
            raise EmptyRecording
        check_language(self._desk, wishes.options)
        upload = self._add(part, name, part.size_bytes, wishes)
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
        with self._taking_in:
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
            return Added(self._became(upload_id), was_known=False)
        if self.offset(upload) != upload.size_bytes:
            raise WrongOffset
        sha256 = self._sha256(upload)
        with self._taking_in:  # of two with one content, the second is known
            added = self._recognised(upload, sha256) or self._taken_in(upload, sha256)
        if added.record.transcription_status == QUEUED:
            self._desk.hint(added.record.id, added.record.priority)
        log.info("recording %d: taken from an upload", added.record.id)
        return added

    def resume(self) -> None:
        """Finish what is whole, as after a killed server, and remove what nobody goes on with."""
        for upload in self.unfinished():
            try:
                if self.offset(upload) == upload.size_bytes:
                    self.finish(upload.id)
            except (OSError, OffhookError) as error:
                log.warning("an upload cannot be finished: %s", discreet(error))
        LeftUploads(self._desk.settings, self._desk.store).remove()

    def _sha256(self, upload: Upload) -> str:
        for path in (self._part(upload.id), Path(upload.recording_path)):
            with suppress(FileNotFoundError):
                return sha256_of(path)
        raise UnknownUpload

    def _recognised(self, upload: Upload, sha256: str) -> Added | None:
        """Return the record that has this content and its recording, instead of a second one."""
        store = self._desk.store
        with store.transaction():
            known = self._known(sha256)
            if known is None or not Library(self._desk.settings, store).find(known).exists():
                return None
            is_this = known.session_id == upload.id  # the inbox was faster
            is_underway = known.transcription_status == PROCESSING
            record = known if is_this or is_underway else self._wanted_again(known, upload)
            store.deletions.remove([known.id])  # who sends it wants it
            store.uploads.close(upload.id)
        self._part(upload.id).unlink(missing_ok=True)
        return Added(record, was_known=not is_this)

    def _wanted_again(self, known: Record, upload: Upload) -> Record:
        chosen = {name: upload.options[name] for name in _TAKEN_ON if name in upload.options}
        return taken_up(self._desk, known, upload.options.get("options", {}), chosen)

    def _taken_in(self, upload: Upload, sha256: str) -> Added:
        """Move a recording into the inbox; give it a record, or give it back to the one that has lost it."""
        store, place = self._desk.store, Path(upload.recording_path)
        with suppress(FileNotFoundError):  # moved already, by a request or a process before this one
            move(self._part(upload.id), place)
            sync_folder(place.parent)
        try:
            fingerprint = Fingerprint.of(place)
        except FileNotFoundError:  # the inbox has made the record, and a worker has archived it
            return Added(self._became(upload.id), was_known=False)
        with store.transaction():
            known = self._known(sha256)
            record = self._given_back(known, place, sha256) if known else None
            if record:
                store.uploads.close(upload.id)
            else:
                content = {"sha256": sha256, **asdict(fingerprint)}
                record = store.uploads.adopt(str(place), content) or self._became(upload.id)
            store.inbox_files.note(place, fingerprint, ADOPTED, record.id)
        return Added(record, was_known=known is not None)

    def _given_back(self, known: Record, place: Path, sha256: str) -> Record:
        """Let a record have its recording again, which is not where it was."""
        records, content = self._desk.store.records, asdict(Fingerprint.of(place))
        if known.error_code == RecordingMissing.code:
            return records.bring_back(known.id, str(place), {"sha256": sha256, **content})
        records.note_move(known.id, str(place), {**content, "archived_at": None})
        return records.get(known.id)

    def _known(self, sha256: str) -> Record | None:
        """Return the record that has a content, unless it is being deleted."""
        known = self._desk.store.records.with_content(sha256)
        return None if known is None or known.id in self._desk.store.erasures.marked() else known

    def _became(self, upload_id: str) -> Record:
        record = self.record_of(upload_id)
        if record is None:
            raise UnknownUpload
        return record

    # Helpers

    def _part(self, upload_id: str) -> Path:
        return part_of(self._desk.settings.uploads, upload_id)

    def _add(self, part: PartFile, name: str, size_bytes: int, wishes: Wishes) -> Upload:
        upload_id = part.path.stem
        place = self._desk.settings.inbox / _inbox_name(name, upload_id)
        return self._desk.store.uploads.begin(
            upload_id, place, name=name, size_bytes=size_bytes, options=wishes.stored()
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
            raise TooLarge(
                f"It has {size_bytes / GB:,.5g} GB, and largest_file_gb allows {settings.largest_file_gb:g}. "
                "Raise largest_file_gb, or cut the recording into pieces."
            )
        if len(names_in(settings.uploads)) >= MOST_UNFINISHED:
            raise TooManyUploads
        make_sure_of_room(settings.uploads, size_bytes or 0, self._spare_bytes)
        return settings.largest_file_bytes if size_bytes is None else size_bytes


def _inbox_name(name: str, upload_id: str) -> str:
    """Return a name in the inbox that no other file has: it has a part of the upload's id."""
    path = PurePath(name)
    return f"{safe_name(path.stem)} {upload_id[:8]}{path.suffix.lower()}"
