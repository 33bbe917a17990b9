"""What a person changes in a transcript: each change of a record is one transaction, and can be undone.

A change is written down with what persons had laid over the record before it. The search index and the
record's files follow: the files are written again by whoever is told, or by the next sweep of a worker.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from shared.reading import Correction
from shared.speakers import Label
from shared.store import stored_json
from shared.store.carrying import Carrying
from shared.store.database import Database, Row
from shared.store.overlays import Overlays
from shared.store.placing import Unplaced
from shared.store.tables import EditRow, RecordRow
from shared.store.transcripts import Transcripts
from shared.store.values import Record

#: Changes of a record that can be undone.
KEPT = 50


@dataclass(frozen=True)
class Edit:
    """A change that was made; `what` is the command that made it."""

    what: str
    made_at: float


class Edits:
    """The changes by persons of one database."""

    def __init__(
        self,
        database: Database,
        transcripts: Transcripts,
        overlays: Overlays,
        carrying: Carrying,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._clock = database, clock
        self._transcripts, self._overlays, self._carrying = transcripts, overlays, carrying

    @contextmanager
    def change(self, record_id: int, what: str) -> Iterator[None]:
        """Make all that is laid over a record inside into one change; nothing stays if it raises."""
        with self._database.transaction():
            before = self._state(record_id)
            yield
            if self._state(record_id) != before:
                row = {"what": what, "before": json.dumps(before, ensure_ascii=False)}
                self._database.run(EditRow.insert(record=record_id, made_at=self._clock(), **row))
                self._forget_old(record_id)
                self._follow(record_id)

    def of_record(self, record_id: int) -> list[Edit]:
        """Return the changes that can be undone, the last one first."""
        return [Edit(row["what"], row["made_at"]) for row in self._rows(record_id)]

    def undo(self, record_id: int) -> Edit | None:
        """Undo the last change of a record and return it; None if there is none."""
        with self._database.transaction():
            rows = self._rows(record_id)
            if not rows:
                return None
            self._restore(record_id, _readable(rows[0]["before"]))
            self._database.run(EditRow.delete().where(EditRow.id == rows[0]["id"]))
            self._follow(record_id)
            return Edit(rows[0]["what"], rows[0]["made_at"])

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

    def _rows(self, record_id: int) -> list[Row]:
        query = EditRow.select().where(EditRow.record == record_id).order_by(EditRow.id.desc())
        return self._database.all(query)

    def _forget_old(self, record_id: int) -> None:
        old = [row["id"] for row in self._rows(record_id)[KEPT:]]
        if old:
            self._database.run(EditRow.delete().where(EditRow.id.in_(old)))

    def _state(self, record_id: int) -> dict[str, Any]:
        """Return all that persons have laid over a record, as JSON has it."""
        labels, corrections = self._overlays.of_persons(record_id)
        return {
            "labels": [asdict(label) for label in labels],
            "corrections": [asdict(correction) for correction in corrections],
            "names": self._overlays.names(record_id),
            "swaps": self._overlays.swaps(record_id),
            "unplaced": [asdict(overlay) for overlay in self._carrying.unplaced(record_id)],
        }

    def _restore(self, record_id: int, before: dict[str, Any]) -> None:
        overlays = self._overlays
        overlays.replace_those_of_persons(
            record_id,
            [Label(**label) for label in before["labels"]],
            [Correction(**correction) for correction in before["corrections"]],
        )
        overlays.replace_names(record_id, before["names"])
        overlays.undo_swaps(record_id, before["swaps"])
        self._carrying.keep_unplaced(record_id, [Unplaced(**overlay) for overlay in before["unplaced"]])

    def _follow(self, record_id: int) -> None:
        """Bring the index up to date, and have the record's files written again."""
        self._transcripts.correct_index(record_id, self._overlays.corrections(record_id))
        self._write_files_again(record_id)

    def _write_files_again(self, record_id: int) -> None:
        self._database.run(RecordRow.update(archived_at=None).where(RecordRow.id == record_id))


def _readable(text: str) -> dict[str, Any]:
    """Read what was there before a change; a damaged one is an error that doctor names too."""
    found: dict[str, Any] = stored_json.read(text, dict)
    return found
