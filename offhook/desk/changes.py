"""A change that a person makes in a transcript: stored as one, then written to the record's files.

A command writes the files at once. The desk's server leaves that to the next sweep of a worker: to write the
files of a long call takes seconds, and a page is not to wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from archive.library import Library
from offhook.desk.desk import Desk
from offhook.desk.rewording import Rewording
from shared.errors import OffhookError, StateConflict
from shared.store.edits import Edit
from shared.store.values import Record


@contextmanager
def changed(desk: Desk, record: Record, what: str) -> Iterator[None]:
    """Make what is laid over a recording inside one change, then write its files again.

    The change is stored first. If the files cannot be written now, a worker writes them. Raises StateConflict
    if the recording was transcribed again since `record` was read: its words have other numbers then.
    """
    with desk.store.edits.change(record.id, what):
        if desk.store.records.get(record.id).completed_at != record.completed_at:
            raise StateConflict(
                f"Recording {record.id} was transcribed again meanwhile. Nothing was changed; try again."
            )
        yield
    write_again(desk, record.id)


@contextmanager
def stored(desk: Desk, record_id: int, what: str, words: tuple[int, int] | None = None) -> Iterator[Record]:
    """Make what is laid over a recording inside one change, and leave its files to a worker.

    With `words`, only corrections of these are changed. Raises RecordNotFound.
    """
    with desk.store.edits.change(record_id, what, words):
        yield desk.store.records.get(record_id)


def lay(desk: Desk, record_id: int, new: Rewording, engines: str) -> None:
    """Lay a text over words, or take corrections away where it is what the machine wrote (`engines`)."""
    overlays = desk.store.overlays
    if new.text == engines:
        overlays.withdraw(record_id, new.first_word, new.last_word)
    else:
        overlays.correct(record_id, new.first_word, new.last_word, new.text)


def undo(desk: Desk, record_id: int) -> Edit | None:
    """Undo the last change of a recording and write its files again; None if there is no change."""
    desk.store.records.get(record_id)
    undone = desk.store.edits.undo(record_id)
    if undone:
        write_again(desk, record_id)
    return undone


def write_again(desk: Desk, record_id: int) -> None:
    """Write the transcripts in the library again, if they are there and have changed."""
    with suppress(OSError, OffhookError):
        Library(desk.settings, desk.store).rewrite(record_id)
