"""What a person changes in a transcript: each change of a record is one transaction, and can be undone.

A change is written down with what persons had laid over the record before it. The search index and the
record's files follow: the files are written again by whoever is told, or by the next sweep of a worker.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from peewee import fn

from shared.speakers import Label
from shared.store import stored_json
from shared.store.carrying import Carrying
from shared.store.database import Database
from shared.store.overlay_states import OverlayStates, Span, State, difference
from shared.store.overlays import Overlays
from shared.store.parts import Parts
from shared.store.tables import EditRow, RecordRow
from shared.store.transcripts import Transcripts
from shared.store.values import Record

#: Changes of a record that can be undone.
KEPT = 50
#: With more changed places than this, the whole transcript is looked at, which is faster then.
MANY = 50


@dataclass(frozen=True)
class Edit:
    """A change that was made; `what` is the command that made it. Later ones have larger numbers."""

    what: str
    made_at: float
    id: int = 0


class Edits:
    """The changes by persons of one database."""

    def __init__(
        self,
        database: Database,
        transcripts: Transcripts,
        overlays: Overlays,
        carrying: Carrying,
        parts: Parts,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._clock = database, clock
        self._transcripts, self._overlays, self._carrying = transcripts, overlays, carrying
        self._parts, self._states = parts, OverlayStates(overlays, carrying)

    @contextmanager
    def change(self, record_id: int, what: str, words: Span | None = None) -> Iterator[None]:
        """Make all that is laid over a record inside into one change; nothing stays if it raises.

        With `words`, nothing but their corrections is changed inside, so that nothing else is looked at.
        """
        with self._database.transaction():
            before = self._states.state(record_id, words)
            yield
            changed, others = difference(before, self._states.state(record_id, words), words)
            if changed:
                row = {"what": what, "before": json.dumps(changed, ensure_ascii=False)}
                self._database.run(EditRow.insert(record=record_id, made_at=self._clock(), **row))
                self._forget_old(record_id)
                self._follow(record_id, others)

    def of_record(self, record_id: int) -> list[Edit]:
        """Return the changes that can be undone, the last one first."""
        query = EditRow.select(EditRow.id, EditRow.what, EditRow.made_at).where(EditRow.record == record_id)
        rows = self._database.all(query.order_by(EditRow.id.desc()))
        return [Edit(row["what"], row["made_at"], row["id"]) for row in rows]

    def last_at(self, record_id: int) -> float | None:
        """Return when the last change that can be undone was made; None if there is none."""
        found = self._database.scalar(
            EditRow.select(fn.MAX(EditRow.made_at)).where(EditRow.record == record_id)
        )
        return found if isinstance(found, float) else None

    def undo(self, record_id: int) -> Edit | None:
        """Undo the last change of a record and return it; None if there is none."""
        with self._database.transaction():
            mine = EditRow.select().where(EditRow.record == record_id)
            row = self._database.first(mine.order_by(EditRow.id.desc()).limit(1))
            if row is None:
                return None
            others = self._states.restore(record_id, _readable(row["before"]))
            self._database.run(EditRow.delete().where(EditRow.id == row["id"]))
            self._follow(record_id, others)
            return Edit(row["what"], row["made_at"], row["id"])

    def undo_back_to(self, record_id: int, edit_id: int) -> list[Edit]:
        """Undo a change and all later ones, as one; none if the record has no such change."""
        with self._database.transaction():
            later = [it for it in self.of_record(record_id) if it.id >= edit_id]
            if not any(it.id == edit_id for it in later):
                return []
            for _ in later:
                self.undo(record_id)
            return later

    def relabel(self, record: Record, labels: Iterable[Label]) -> bool:
        """Replace the labels of the machine by others for the same transcript; return whether they differ.

        Nothing is replaced if the record has been transcribed again since.
        """
        same = (RecordRow.id == record.id) & (RecordRow.completed_at == record.completed_at)
        with self._database.transaction():
            if self._database.first(RecordRow.select(RecordRow.id).where(same)) is None:
                return False
            before = self._overlays.labels(record.id)
            self._overlays.relabel(record.id, labels)
            if self._overlays.labels(record.id) == before:
                return False
            self._write_files_again(record.id)
            return True

    def drop_unplaced(self, record_id: int) -> None:
        """Remove what found no place in the present transcript; call it inside a change."""
        self._carrying.keep_unplaced(record_id, ())

    def _forget_old(self, record_id: int) -> None:
        old = [edit.id for edit in self.of_record(record_id)[KEPT:]]
        if old:
            self._database.run(EditRow.delete().where(EditRow.id.in_(old)))

    def _follow(self, record_id: int, corrected: Sequence[Span]) -> None:
        """Bring the index up to date where corrections changed, and have the files written again."""
        if len(corrected) > MANY:
            self._transcripts.correct_index(record_id, self._overlays.corrections(record_id))
        else:
            for part in self._parts.of_spans(record_id, corrected):
                self._transcripts.correct_part(part.row_ids, part.segments, part.corrections)
        self._write_files_again(record_id)

    def _write_files_again(self, record_id: int) -> None:
        self._database.run(RecordRow.update(archived_at=None).where(RecordRow.id == record_id))


def _readable(text: str) -> State:
    """Read what was there before a change; a damaged one is an error that doctor names too."""
    found: State = stored_json.read(text, dict)
    return found
