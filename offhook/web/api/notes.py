"""Notes of persons at moments of a record."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from offhook.desk import notes as desk_notes
from offhook.desk.notes import note_view
from offhook.web.api.limits import LongText, Milliseconds
from offhook.web.call import Call, Endpoint


class ShownNote(Struct):
    """A note, its moment from the start of the recording, and when it was made."""

    id: int
    at_ms: int
    text: str
    made_at: str | None


class ShownNotes(Struct):
    """The notes of a record by their moments."""

    notes: list[ShownNote]


class NewNote(Struct):
    """A note at a moment."""

    at_ms: Milliseconds
    text: LongText


class ChangedNote(Struct):
    """What is changed of a note."""

    text: LongText | None = None
    at_ms: Milliseconds | None = None


def get_notes(call: Call) -> dict[str, Any]:
    """List the notes."""
    return {"notes": [note_view(it) for it in desk_notes.notes(call.desk, call.record_id)]}


def add(call: Call) -> dict[str, Any]:
    """Add a note."""
    return note_view(desk_notes.add(call.desk, call.record_id, call.body.at_ms, call.body.text))


def change(call: Call) -> dict[str, Any]:
    """Change a note."""
    given, note_id = call.body, call.number("note_id")
    return note_view(desk_notes.change(call.desk, call.record_id, note_id, given.text, given.at_ms))


def delete(call: Call) -> None:
    """Delete a note."""
    desk_notes.delete(call.desk, call.record_id, call.number("note_id"))


_NOTES = "/api/v1/records/{record_id}/notes"
_NOTE = f"{_NOTES}/{{note_id}}"

ENDPOINTS = (
    Endpoint("GET", _NOTES, get_notes, "The notes of a recording", answer=ShownNotes),
    Endpoint("POST", _NOTES, add, "Add a note", body=NewNote, answer=ShownNote, status=201),
    Endpoint("PATCH", _NOTE, change, "Change a note", body=ChangedNote, answer=ShownNote),
    Endpoint("DELETE", _NOTE, delete, "Delete a note"),
)
