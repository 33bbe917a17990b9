"""What is laid over the words of a record: who said them, how speakers are called, what a person corrected.

An overlay points at words by their numbers and never changes one. Later rows of a person stand over earlier
ones, and all of them over those of the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shared.speakers import PERSON, Label, VoiceTurn
from shared.store.database import Database, Row
from shared.store.tables import CorrectionRow, SpeakerLabelRow, SpeakerNameRow, VoiceTurnRow

ROWS_AT_ONCE = 100


@dataclass(frozen=True)
class Correction:
    """A person's text for the words from `first_word` to `last_word`, both included."""

    first_word: int
    last_word: int
    text: str
    source: str
    made_at: float


class Overlays:
    """The overlays of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def labels(self, record_id: int) -> tuple[Label, ...]:
        """Return who said which words: the labels of the machine, then those of persons, the oldest first."""
        mine = SpeakerLabelRow.record == record_id
        by_age = (SpeakerLabelRow.source == PERSON, SpeakerLabelRow.id)
        rows = self._database.all(SpeakerLabelRow.select().where(mine).order_by(*by_age))
        return tuple(_without(row, Label) for row in rows)

    def relabel(self, record_id: int, labels: Iterable[Label]) -> None:
        """Replace the labels of the machine."""
        mine = SpeakerLabelRow.record == record_id
        with self._database.transaction():
            self._database.run(SpeakerLabelRow.delete().where(mine & (SpeakerLabelRow.source != PERSON)))
            self._insert(SpeakerLabelRow, record_id, labels)

    def assign(self, record_id: int, first_word: int, last_word: int, speaker: str) -> None:
        """Say who said some words, as a person."""
        with self._database.transaction():
            self._insert(SpeakerLabelRow, record_id, [Label(first_word, last_word, speaker, PERSON)])

    def names(self, record_id: int) -> dict[str, str]:
        """Return the names that a person gave, by speaker."""
        query = SpeakerNameRow.select().where(SpeakerNameRow.record == record_id)
        return {row["speaker"]: row["name"] for row in self._database.all(query)}

    def rename(self, record_id: int, speaker: str, name: str | None) -> None:
        """Give a speaker a name; None takes it away."""
        mine = (SpeakerNameRow.record == record_id) & (SpeakerNameRow.speaker == speaker)
        with self._database.transaction():
            self._database.run(SpeakerNameRow.delete().where(mine))
            if name is not None:
                self._database.run(SpeakerNameRow.insert(record=record_id, speaker=speaker, name=name))

    def corrections(self, record_id: int) -> tuple[Correction, ...]:
        """Return the corrections of a record, the oldest first."""
        query = CorrectionRow.select().where(CorrectionRow.record == record_id).order_by(CorrectionRow.id)
        return tuple(_without(row, Correction) for row in self._database.all(query))

    def correct(self, record_id: int, first_word: int, last_word: int, text: str) -> None:
        """Lay a person's text over some words."""
        made = Correction(first_word, last_word, text, PERSON, self._clock())
        with self._database.transaction():
            self._insert(CorrectionRow, record_id, [made])

    def voice_turns(self, record_id: int) -> tuple[VoiceTurn, ...]:
        """Return when which voice speaks, in the order of the recording."""
        query = VoiceTurnRow.select().where(VoiceTurnRow.record == record_id).order_by(VoiceTurnRow.start_ms)
        return tuple(_without(row, VoiceTurn) for row in self._database.all(query))

    # Writes of other parts of the store, inside their transactions

    def replace(self, record_id: int, labels: Iterable[Label], turns: Iterable[VoiceTurn]) -> None:
        """Replace what the machine says of who spoke, with a new transcript."""
        self.relabel(record_id, labels)
        self._database.run(VoiceTurnRow.delete().where(VoiceTurnRow.record == record_id))
        self._insert(VoiceTurnRow, record_id, turns)

    def _insert(self, table: Any, record_id: int, overlays: Iterable[Any]) -> None:
        rows: Sequence[Row] = [{"record": record_id, **asdict(overlay)} for overlay in overlays]
        for start in range(0, len(rows), ROWS_AT_ONCE):
            self._database.run(table.insert_many(rows[start : start + ROWS_AT_ONCE]))


def _without(row: Row, kind: type[Any]) -> Any:
    """Make a value of a row, without the columns that it does not have."""
    return kind(**{name: row[name] for name in kind.__dataclass_fields__})
