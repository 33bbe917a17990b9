"""What persons changed in a recording, and how it is undone. Files in the library are left to a worker."""

from __future__ import annotations

from offhook.desk.desk import Desk
from shared.errors import OffhookError
from shared.store.edits import Edit


class NoSuchEdit(OffhookError):
    """The recording has no such change; perhaps it was undone, or the recording was transcribed again."""

    code = "no_such_edit"


def history(desk: Desk, record_id: int) -> list[Edit]:
    """Return the changes that can be undone, the last one first. Raises RecordNotFound."""
    desk.store.records.get(record_id)
    return desk.store.edits.of_record(record_id)


def undo(desk: Desk, record_id: int, back_to: int | None = None) -> list[Edit]:
    """Undo the last change, or all changes back to one, that one too; return what was undone.

    Raises RecordNotFound, NoSuchEdit.
    """
    desk.store.records.get(record_id)
    if back_to is None:
        undone = desk.store.edits.undo(record_id)
        return [undone] if undone else []
    found = desk.store.edits.undo_back_to(record_id, back_to)
    if not found:
        raise NoSuchEdit
    return found
