"""Takes the calls that workstations send: into a file of their own, then into the storage, with a record.

A call is a row and a file; the length of the file is how far it is. The file is on the machine that has
received it: another machine of the team has nothing of it, says so, and takes it from the start. A death at
any step is answered:

* before a chunk is whole: nothing of it is in the file;
* while it is appended: what stands in the file was hashed before, and the sender is told how far that is;
* after the recording was put into the storage, before its record: the sender's next request puts it there
  once more; without one, the object is deleted a day later (`shared/store/objects.py`);
* after the record, before the answer: the sender is told of the record;
* before the file is removed: `archive/incoming.py` removes files without a row.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from archive.incoming import folder_of, part_of_call
from archive.storage.keys import key_of
from archive.storage.storage import storage_of
from archive.team_messages import CallFacts, levels_of
from offhook.desk.adding import too_large
from offhook.desk.desk import Desk
from offhook.desk.part_file import PartFile, UploadBusy, make_sure_of_room
from offhook.desk.uploading import SPARE_BYTES, TooManyUploads, WrongOffset
from shared.errors import OffhookError, RecordingChanged
from shared.plain_text import one_line
from shared.setting_values import usable_options
from shared.store.audit import Note
from shared.store.incoming import IncomingCall
from shared.store.records import FINISHED
from shared.store.transitions import QUEUED
from shared.store.values import Record
from shared.store.view import EVERYBODY

log = logging.getLogger(__name__)

#: Of one person; a workstation sends one after another.
MOST_UNFINISHED = 500


class UnknownCall(OffhookError):
    """There is no such call."""

    code = "unknown_call"


class ContentDiffers(OffhookError):
    """The server has this call with another recording."""

    code = "content_differs"


class HashDiffers(OffhookError):
    """What has arrived is not the recording whose hash was given. It was discarded; send it again."""

    code = "hash_differs"


@dataclass(frozen=True)
class Sender:
    """A workstation: whose calls it hands over, and whose it sees (None: everybody's)."""

    person_id: int
    workstation: str
    owner_id: int | None


class Intake:
    """The calls of one sender. Calls of others are unknown to it."""

    def __init__(self, desk: Desk, sender: Sender, spare_bytes: int = SPARE_BYTES) -> None:
        self._desk, self._sender, self._spare_bytes = desk, sender, spare_bytes
        #: All calls: whether there is one of another person matters too.
        self._store = desk.store.seen_by(EVERYBODY)

    # Looking

    def record(self, session_id: str) -> Record:
        """Return the record of a call that the sender sees. Raises UnknownCall."""
        record = self._store.records.of_session(session_id)
        if record is None or self._sender.owner_id not in (None, record.owner_id):
            raise UnknownCall
        return record

    def sending(self, session_id: str) -> IncomingCall:
        """Return a call that the sender is sending. Raises UnknownCall."""
        call = self._store.incoming.find(session_id)
        if call is None or call.person_id != self._sender.person_id:
            raise UnknownCall
        return call

    def offset(self, call: IncomingCall) -> int:
        """Return how many bytes of a call have arrived here."""
        with suppress(FileNotFoundError):
            return part_of_call(self._desk.settings, call).stat().st_size
        return 0

    def note_read(self, record: Record, action: str) -> None:
        """Note in the audit log that a call of another person was read."""
        if record.owner_id != self._sender.person_id:
            self._store.audit.note(self._desk.store.view, [Note(action, record.id)])

    # Sending

    def offer(self, session_id: str, facts: CallFacts) -> Record | IncomingCall:
        """Take up a call: return what is being sent, or the record that it has become. Can be repeated.

        Raises UnknownCall, ContentDiffers, TooLarge, TooManyUploads, DiskFull.
        """
        with self._store.transaction():
            record = self._own_record(session_id)
            found = self._known(record, facts) if record else self._begun(session_id, facts)
        if isinstance(found, Record):
            self._hint(found)
        else:
            left = found.size_bytes - self.offset(found)
            make_sure_of_room(folder_of(self._desk.settings), left, self._spare_bytes)
        return found

    def append(self, call: IncomingCall, offset: int, blocks: Iterable[bytes]) -> int:
        """Append a chunk and return how many bytes have arrived; they are on the disk then.

        Raises WrongOffset; DiskFull, after which nothing of the chunk is in the file.
        """
        with closing(self._opened(call, offset)) as part:
            part.append_whole(blocks)
        self._store.incoming.touch(call)
        return part.size_bytes

    def commit(self, session_id: str) -> Record:
        """Turn a whole call into a record. Can be repeated.

        Raises UnknownCall, WrongOffset; HashDiffers, after which it is sent from the start; StorageError.
        """
        if record := self._own_record(session_id):
            return record
        call = self.sending(session_id)
        if (arrived := self.offset(call)) != call.size_bytes:
            raise wrong_offset(arrived)
        part = part_of_call(self._desk.settings, call)
        call = self._store.incoming.expect(call, _new_key(call.session_id, _facts(call)))
        try:
            storage_of(self._desk.settings).put(call.storage_key, part, call.sha256)
        except FileNotFoundError:  # another request was faster
            return self.record(session_id)
        except RecordingChanged:
            part.unlink(missing_ok=True)
            raise HashDiffers from None
        record = self._become(call)
        with suppress(OSError):  # another request may read it on Windows
            part.unlink(missing_ok=True)
        self._hint(record)
        log.info("recording %d: taken from a workstation", record.id)
        return record

    def delete(self, session_id: str) -> None:
        """Delete a call of the sender with all that was made of it; an unknown one is deleted already."""
        store = self._store
        self._desk.make_room()
        with store.transaction(), suppress(UnknownCall):
            if record := self._own_record(session_id):
                store.audit.note(self._desk.store.view, [Note("delete", record.id)])
                store.deletions.add(record.id, due_at=0.0)
                return
            call = self.sending(session_id)
            store.incoming.drop(call)
            with suppress(OSError):  # removed as one without a row
                part_of_call(self._desk.settings, call).unlink(missing_ok=True)

    # Helpers

    def _own_record(self, session_id: str) -> Record | None:
        """Return the record of a call. Raises UnknownCall for one of another person."""
        record = self._store.records.of_session(session_id)
        if record and record.owner_id != self._sender.person_id:
            raise UnknownCall
        return record

    def _known(self, record: Record, facts: CallFacts) -> Record:
        """Return a record that is there; transcribe it again if a person wants that."""
        if record.sha256 != facts.sha256:
            raise ContentDiffers
        if facts.again and record.transcription_status in FINISHED:
            return self._store.records.requeue(record.id, usable_options(facts.options))
        return record

    def _begun(self, session_id: str, facts: CallFacts) -> IncomingCall:
        incoming, settings = self._store.incoming, self._desk.settings
        if facts.size_bytes > settings.largest_file_bytes:
            raise too_large("It", facts.size_bytes, settings.largest_file_gb)
        known = incoming.find(session_id)
        if known and known.person_id != self._sender.person_id:
            raise UnknownCall
        text = msgspec.json.encode(facts).decode()
        if known and (known.sha256, known.size_bytes) == (facts.sha256, facts.size_bytes):
            incoming.revise(known, text)
            return known
        if known is None and incoming.count(self._sender.person_id) >= MOST_UNFINISHED:
            raise TooManyUploads
        return incoming.begin(
            session_id,
            person_id=self._sender.person_id,
            workstation=self._sender.workstation,
            facts=text,
            size_bytes=facts.size_bytes,
            sha256=facts.sha256,
            storage_key=_new_key(session_id, facts),
        )

    def _opened(self, call: IncomingCall, offset: int) -> PartFile:
        """Open the file of a call to append at an offset. Raises WrongOffset."""
        path = part_of_call(self._desk.settings, call)
        try:
            part = PartFile(
                path,
                most_bytes=call.size_bytes,
                spare_bytes=self._spare_bytes,
                is_new=offset == 0 and not path.exists(),
            )
        except (UploadBusy, FileExistsError, FileNotFoundError):  # another connection sends; nothing is here
            raise wrong_offset(self.offset(call)) from None
        if part.size_bytes != offset:
            part.close()
            raise wrong_offset(part.size_bytes)
        return part

    def _become(self, call: IncomingCall) -> Record:
        """Make the record of a call that is in the storage. Raises UnknownCall if it is deleted."""
        store, facts = self._store, _facts(call)
        with store.transaction():
            record = store.incoming.become(call, **_columns(facts))
            if record and facts.layout:
                started_at = record.created_at if facts.started_at is None else facts.started_at
                store.captures.receive(
                    record,
                    levels_of(facts.loudness),
                    layout=facts.layout,
                    started_at=started_at,
                    duration_seconds=facts.duration_seconds or 0.0,
                    verdict=facts.verdict,
                )
        return record or self.record(call.session_id)

    def _hint(self, record: Record) -> None:
        if record.transcription_status == QUEUED:
            self._desk.hint(record.id, record.priority)


def wrong_offset(arrived: int) -> WrongOffset:
    """Return the error that says how many bytes have arrived."""
    return WrongOffset(f"{arrived:,} bytes have arrived. Go on from there.", arrived)


def _facts(call: IncomingCall) -> CallFacts:
    return msgspec.json.decode(call.facts, type=CallFacts)


def _new_key(session_id: str, facts: CallFacts) -> str:
    return key_of(session_id, facts.suffix, facts.created_at)


def _columns(facts: CallFacts) -> Mapping[str, Any]:
    """Return the columns of a call's record that the workstation has chosen."""
    return {
        "source": facts.source,
        "title": one_line(facts.title).strip() or "Call",
        "candidate_id": _name(facts.candidate_id),
        "project_id": _name(facts.project_id),
        "created_at": facts.created_at,
        "duration_seconds": facts.duration_seconds,
        "flags": facts.flags,
        "options": usable_options(facts.options),
    }


def _name(text: str | None) -> str | None:
    """Return a name as every database takes it: PostgreSQL takes no NUL."""
    return one_line(text).strip() or None if text else None
