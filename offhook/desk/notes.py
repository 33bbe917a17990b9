"""Notes of persons at moments of a recording. They go where it goes: into files, backups and deletion."""

from __future__ import annotations

from typing import Any

from offhook.desk.desk import Desk
from shared.errors import OffhookError
from shared.store.notes import Note
from shared.times import iso

#: Of a note, in characters.
LONGEST = 20_000


class NoteNotFound(OffhookError):
    """The recording has no such note."""

    code = "note_not_found"


class BadNote(OffhookError):
    """A note needs a text of at most 20,000 characters."""

    code = "bad_note"


def notes(desk: Desk, record_id: int) -> tuple[Note, ...]:
    """Return the notes of a recording by their moments. Raises RecordNotFound."""
    desk.store.records.get(record_id)
    return desk.store.notes.of_record(record_id)


def add(desk: Desk, record_id: int, at_ms: int, text: str) -> Note:
    """Add a note. Raises RecordNotFound, BadNote."""
    plain = _checked(text)
    with desk.store.transaction():
        desk.store.records.get(record_id)
        return _the(desk, record_id, desk.store.notes.add(record_id, at_ms, plain))


def change(desk: Desk, record_id: int, note_id: int, text: str | None, at_ms: int | None = None) -> Note:
    """Give a note another text or moment; None leaves it. Raises RecordNotFound, NoteNotFound, BadNote."""
    with desk.store.transaction():
        desk.store.records.get(record_id)
        before = _the(desk, record_id, note_id)
        new_text = before.text if text is None else _checked(text)
        desk.store.notes.change(record_id, note_id, before.at_ms if at_ms is None else at_ms, new_text)
        return _the(desk, record_id, note_id)


def delete(desk: Desk, record_id: int, note_id: int) -> None:
    """Delete a note. Raises RecordNotFound, NoteNotFound."""
    with desk.store.transaction():
        desk.store.records.get(record_id)
        if not desk.store.notes.delete(record_id, note_id):
            raise NoteNotFound(f"Recording {record_id} has no note {note_id}.")


def note_view(note: Note) -> dict[str, Any]:
    """Describe a note for pages."""
    return {"id": note.id, "at_ms": note.at_ms, "text": note.text, "made_at": iso(note.made_at)}


def _the(desk: Desk, record_id: int, note_id: int) -> Note:
    found = next((it for it in desk.store.notes.of_record(record_id) if it.id == note_id), None)
    if found is None:
        raise NoteNotFound(f"Recording {record_id} has no note {note_id}.")
    return found


def _checked(text: str) -> str:
    """Return a text without space around it. Raises BadNote."""
    plain = text.replace("\r\n", "\n").strip()
    if not plain or len(plain) > LONGEST:
        raise BadNote
    return plain
