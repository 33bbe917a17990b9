"""What a person does with the queue: transcribe again, cancel, change the order, pause and resume.

Each action takes several records and gives each its own outcome. What is done first is in the database;
hints follow, and may be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from offhook.desk.bulk import Outcome, each
from offhook.desk.desk import Desk
from offhook.desk.record_choices import other_options
from shared.errors import StateConflict
from shared.store.transitions import COMPLETED
from shared.store.values import Record

#: The limits of a record's priority.
LOWEST, HIGHEST = -1000, 1000
UP, DOWN, FIRST = "up", "down", "first"
MOVES = (UP, DOWN, FIRST)


def retry(desk: Desk, record_ids: Iterable[int], options: Mapping[str, Any]) -> list[Outcome]:
    """Queue finished records again, with options of their own; a transcript stays until there is another."""

    def queued(record_id: int) -> Record:
        _refuse_deleted(desk, desk.store.records.get(record_id).id)
        return desk.store.records.requeue(record_id, options)

    outcomes = each(desk, record_ids, queued)
    _hint(desk, outcomes)
    return outcomes


def transcribe_otherwise(desk: Desk, record: Record, options: Mapping[str, Any]) -> bool:
    """Queue a completed record again if it was transcribed with other options than these; say whether."""
    other = other_options(record, options)
    if record.transcription_status != COMPLETED or not other:
        return False
    again = desk.store.records.requeue(record.id, other)
    desk.hint(again.id, again.priority)
    return True


def cancel(desk: Desk, record_ids: Iterable[int]) -> list[Outcome]:
    """Take records out of the queue; one that is being transcribed is stopped."""
    return each(desk, record_ids, desk.store.records.cancel)


def move(desk: Desk, record_ids: Iterable[int], where: str) -> list[Outcome]:
    """Let queued records be transcribed sooner or later: `up` or `down` by one, or `first` of all."""
    first = min(HIGHEST, (desk.store.choices.highest_priority() or 0) + 1)

    def moved(record_id: int) -> Record:
        present = desk.store.records.get(record_id).priority
        wanted = {UP: present + 1, DOWN: present - 1, FIRST: first}[where]
        return desk.store.choices.set_priority(record_id, max(LOWEST, min(HIGHEST, wanted)))

    outcomes = each(desk, record_ids, moved)
    _hint(desk, outcomes)
    return outcomes


def pause(desk: Desk) -> None:
    """Let workers finish their records and take no further ones."""
    desk.store.controls.set_paused(True)


def resume(desk: Desk) -> None:
    """Let workers take records again after a pause."""
    desk.store.controls.set_paused(False)
    for record in desk.store.records.due(limit=1):
        desk.hint(record.id, record.priority)


def _hint(desk: Desk, outcomes: Iterable[Outcome]) -> None:
    """Have each changed record hinted at, once, with its priority."""
    desk.move_hints({it.record.id: it.record.priority for it in outcomes if it.record})


def _refuse_deleted(desk: Desk, record_id: int) -> None:
    """Refuse what would be lost within seconds. Raises StateConflict."""
    if desk.store.deletions.due_at([record_id]):
        raise StateConflict(f"Recording {record_id} was deleted just now. Undo that first.")
