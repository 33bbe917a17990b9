"""Makes a record of a whole upload, or finds the record that has its content. Every step can be repeated."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from archive.storage.taking import LOST, Taking
from offhook.desk.adding import Added, is_at_hand, taken_up
from offhook.desk.desk import Desk
from offhook.desk.record_choices import other_options
from shared.errors import OffhookError
from shared.files import Fingerprint, move, sync_folder
from shared.store.audit import Note
from shared.store.inbox_files import ADOPTED
from shared.store.store import Store
from shared.store.transitions import PROCESSING
from shared.store.values import Record, Upload

#: What a known record that still waits takes on from an upload of its content.
_TAKEN_ON = ("priority", "candidate_id", "project_id")


class UnknownUpload(OffhookError):
    """There is no such upload: it was cancelled, or was given up. Send the recording again."""

    code = "unknown_upload"


def record_made_of(store: Store, upload_id: str) -> Record:
    """Return the record that an upload has become. Raises UnknownUpload."""
    record = store.records.of_session(upload_id)
    if record is None:
        raise UnknownUpload
    return record


@dataclass(frozen=True)
class WholeUpload:
    """A whole upload, its file, and the hash of its content."""

    desk: Desk
    upload: Upload
    part: Path
    sha256: str

    def added(self) -> Added:
        """Return the record. Raises UnknownUpload if the upload was cancelled meanwhile."""
        return self._recognised() or self._put() or self._adopted()

    def _recognised(self) -> Added | None:
        """Return the record that has this content and its recording, instead of a second one."""
        store, found = self.desk.store, self._known()
        if not is_at_hand(self.desk, found):
            return None
        with store.transaction():
            known = self._known()
            if known is None or found is None or known.id != found.id:
                return None
            is_this = known.session_id == self.upload.id  # the inbox was faster
            is_underway = known.transcription_status == PROCESSING
            record = known if is_this or is_underway else self._wanted_again(known)
            store.deletions.remove([known.id])  # who sends it wants it
            store.uploads.close(self.upload.id)
            self._note(known)
        self.part.unlink(missing_ok=True)
        return Added(record, was_known=not is_this)

    def _wanted_again(self, known: Record) -> Record:
        """Let a known record have what was chosen now; one that is done so already stays as it is."""
        given = self.upload.options
        chosen = {name: given[name] for name in _TAKEN_ON if name in given}
        return taken_up(self.desk, known, other_options(known, given.get("options", {})), chosen)

    def _put(self) -> Added | None:
        """Put the recording into the storage, if there is one, and give it a record."""
        store, taking = self.desk.store, Taking(self.desk.settings, self.desk.store)
        if not (taking.is_on and self.part.is_file()):  # it was in the inbox before there was a storage
            return None
        stored = taking.put(self.part, self.sha256, self.upload.name)
        assert stored
        with store.transaction():
            known = self._known()
            if known is None and store.uploads.find(self.upload.id) is None:  # cancelled, or finished
                return Added(record_made_of(store, self.upload.id), was_known=False)
            content = {"sha256": self.sha256, "size_bytes": stored.size_bytes}
            made = known or store.uploads.become(self.upload, stored.key, content)
            store.uploads.close(self.upload.id)
            record = taking.give(made, stored)
            if record.error_code in LOST:
                record = store.records.requeue(record.id)
        self.part.unlink(missing_ok=True)
        return Added(record, was_known=known is not None)

    def _adopted(self) -> Added:
        """Move a recording into the inbox; give it a record, or give it back to the one that has lost it."""
        store, place = self.desk.store, Path(self.upload.recording_path)
        with suppress(FileNotFoundError):  # moved already, by a request or a process before this one
            move(self.part, place)
            sync_folder(place.parent)
        try:
            fingerprint = Fingerprint.of(place)
        except FileNotFoundError:  # the inbox has made the record, and a worker has archived it
            return Added(record_made_of(store, self.upload.id), was_known=False)
        with store.transaction():
            known = self._known()
            if known and known.session_id == self.upload.id:  # the inbox was faster
                return Added(known, was_known=False)
            record = self._given_back(known, place, fingerprint) if known else self._new(place, fingerprint)
            store.inbox_files.note(place, fingerprint, ADOPTED, record.id)
            self._note(record)
        return Added(record, was_known=known is not None)

    def _note(self, record: Record) -> None:
        """Note in a team's audit log who has sent it."""
        store = self.desk.store
        if store.view.person:
            store.audit.note(store.view, [Note("add", record.id)])

    def _new(self, place: Path, fingerprint: Fingerprint) -> Record:
        content = {"sha256": self.sha256, **asdict(fingerprint)}
        made = self.desk.store.uploads.adopt(str(place), content)
        return made or record_made_of(self.desk.store, self.upload.id)

    def _given_back(self, known: Record, place: Path, fingerprint: Fingerprint) -> Record:
        """Let a record have its recording again, which is not where it was."""
        records, content = self.desk.store.records, asdict(fingerprint)
        self.desk.store.uploads.close(self.upload.id)
        Taking(self.desk.settings, self.desk.store).leave(known)
        if known.error_code in LOST:
            return records.bring_back(
                known.id, str(place), {"sha256": self.sha256, "storage_key": None, **content}
            )
        records.note_move(known.id, str(place), {**content, "archived_at": None, "storage_key": None})
        return records.get(known.id)

    def _known(self) -> Record | None:
        """Return the record that has this content, unless it is being deleted."""
        known = self.desk.store.records.with_content(self.sha256)
        return None if known is None or known.id in self.desk.store.erasures.marked() else known
