"""What is laid over the words of a record: who said them, how speakers are called, what a person corrected.

An overlay points at words by their numbers and never changes one. Later rows of a person stand over earlier
ones, and all of them over those of the machine. Damaged rows are passed over. What a person changes belongs
into `Edits.change`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from peewee import Case, fn

from shared.reading import Correction as Correction
from shared.speakers import PERSON, Label, VoiceTurn
from shared.store.database import Database, Row
from shared.store.tables import (
    CorrectionRow,
    RecordRow,
    SpeakerLabelRow,
    SpeakerNameRow,
    SpeakerSwapRow,
    VoiceTurnRow,
)
from shared.store.values import sound
from shared.store.word_ranges import Words, overlap_any, overlaps

ROWS_AT_ONCE = 100
#: Speakers that are looked for in lists of records; SQLite answers with 2,000 columns at most.
MOST_SPEAKERS = 1000


class Overlays:
    """The overlays of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def labels(self, record_id: int) -> tuple[Label, ...]:
        """Return who said which words: the labels of the machine, then those of persons, the oldest first."""
        mine = SpeakerLabelRow.record == record_id
        by_age = (SpeakerLabelRow.source == PERSON, SpeakerLabelRow.id)
        rows = self._database.all(SpeakerLabelRow.select().where(mine).order_by(*by_age))
        return sound(Label, rows)

    def near(self, wanted: Sequence[Words]) -> list[tuple[tuple[Label, ...], tuple[Correction, ...]]]:
        """Return the labels and corrections of some words each, in the order of those of a whole record."""
        by_age = (SpeakerLabelRow.source == PERSON, SpeakerLabelRow.id)
        labels, corrections = (
            self._database.all(table.select().where(overlap_any(table, wanted)).order_by(*order))
            if wanted
            else []
            for table, order in ((SpeakerLabelRow, by_age), (CorrectionRow, (CorrectionRow.id,)))
        )
        return [
            (
                sound(Label, [row for row in labels if it.are_in(row)]),
                sound(Correction, [row for row in corrections if it.are_in(row)]),
            )
            for it in wanted
        ]

    def relabel(self, record_id: int, labels: Iterable[Label]) -> None:
        """Replace the labels of the machine; speakers that a person has exchanged stay exchanged.

        The record's files in the library are out of date then, and are written again with the next sweep.
        """
        mine = SpeakerLabelRow.record == record_id
        with self._database.transaction():
            swaps = self.swaps(record_id)
            self._database.run(SpeakerLabelRow.delete().where(mine & (SpeakerLabelRow.source != PERSON)))
            self._insert(SpeakerLabelRow, record_id, exchanged(labels, swaps))
            self._database.run(RecordRow.update(archived_at=None).where(RecordRow.id == record_id))

    def assign(self, record_id: int, first_word: int, last_word: int, speaker: str) -> None:
        """Say who said some words, as a person."""
        with self._database.transaction():
            inside = (SpeakerLabelRow.first_word >= first_word) & (SpeakerLabelRow.last_word <= last_word)
            self._database.run(SpeakerLabelRow.delete().where(_of_persons(record_id) & inside))
            self._insert(SpeakerLabelRow, record_id, [Label(first_word, last_word, speaker, PERSON)])

    def names(self, record_id: int) -> dict[str, str]:
        """Return the names that a person gave, by speaker."""
        return self.names_of([record_id])[record_id]

    def names_of(self, record_ids: Collection[int]) -> dict[int, dict[str, str]]:
        """Return the names that persons gave, by record and speaker."""
        found: dict[int, dict[str, str]] = {record_id: {} for record_id in record_ids}
        for row in self._database.all(SpeakerNameRow.select().where(SpeakerNameRow.record.in_(record_ids))):
            if _is_text(row, "speaker", "name"):
                found[row["record"]][row["speaker"]] = row["name"]
        return found

    def speakers_of(self, record_ids: Collection[int]) -> dict[int, list[str]]:
        """Return who speaks in each record by any label, also by one that persons have laid others over.

        An index answers each speaker of each record with one look, however many labels there are.
        """
        label = SpeakerLabelRow.select().where(SpeakerLabelRow.record == RecordRow.id)
        speakers = {
            f"speaker_{number}": speaker
            for number, speaker in enumerate(islice(self._speakers(), MOST_SPEAKERS))
        }
        speaks = [
            fn.EXISTS(label.where(SpeakerLabelRow.speaker == speaker)).alias(name)
            for name, speaker in speakers.items()
        ]
        query = RecordRow.select(RecordRow.id, *speaks).where(RecordRow.id.in_(list(record_ids)))
        return {
            row["id"]: [speaker for name, speaker in speakers.items() if row[name]]
            for row in self._database.all(query)
        }

    def _speakers(self) -> Iterator[str]:
        """Yield the speakers of all records, each found by an index after the one before."""
        speaker = SpeakerLabelRow.speaker
        after = self._database.scalar(SpeakerLabelRow.select(fn.MIN(speaker)))
        while isinstance(after, str):
            yield after
            after = self._database.scalar(SpeakerLabelRow.select(fn.MIN(speaker)).where(speaker > after))

    def rename(self, record_id: int, speaker: str, name: str | None) -> None:
        """Give a speaker a name; None takes it away."""
        mine = (SpeakerNameRow.record == record_id) & (SpeakerNameRow.speaker == speaker)
        with self._database.transaction():
            self._database.run(SpeakerNameRow.delete().where(mine))
            if name is not None:
                self._database.run(SpeakerNameRow.insert(record=record_id, speaker=speaker, name=name))

    def swaps(self, record_id: int) -> dict[str, str]:
        """Return the speakers that a person has exchanged: what the machine calls each, and what it is."""
        query = SpeakerSwapRow.select().where(SpeakerSwapRow.record == record_id)
        return {
            row["speaker"]: row["other"]
            for row in self._database.all(query)
            if _is_text(row, "speaker", "other")
        }

    def swap(self, record_id: int, one: str, other: str) -> None:
        """Exchange two speakers in all labels, and in those that the machine makes later."""
        exchange = {one: other, other: one}
        with self._database.transaction():
            before = self.swaps(record_id)
            known = {**{each: each for each in exchange}, **before}
            after = {machine: exchange.get(shown, shown) for machine, shown in known.items()}
            self._exchange(SpeakerLabelRow.record == record_id, record_id, exchange)
            self.set_swaps(record_id, after)

    def corrections(self, record_id: int) -> tuple[Correction, ...]:
        """Return the corrections of a record, the oldest first."""
        query = CorrectionRow.select().where(CorrectionRow.record == record_id).order_by(CorrectionRow.id)
        return sound(Correction, self._database.all(query))

    def corrections_of(self, record_id: int, first_word: int, last_word: int) -> tuple[Correction, ...]:
        """Return the corrections of some words, the oldest first."""
        query = CorrectionRow.select().where(overlaps(CorrectionRow, Words(record_id, first_word, last_word)))
        return sound(Correction, self._database.all(query.order_by(CorrectionRow.id)))

    def correct(self, record_id: int, first_word: int, last_word: int, text: str) -> None:
        """Lay a person's text over some words; it takes the place of every correction that it overlaps."""
        made = Correction(first_word, last_word, text, PERSON, self._clock())
        with self._database.transaction():
            self.withdraw(record_id, first_word, last_word)
            self._insert(CorrectionRow, record_id, [made])

    def withdraw(self, record_id: int, first_word: int, last_word: int) -> None:
        """Take away every correction of some words, so that those of the engine are read again."""
        words = Words(record_id, first_word, last_word)
        self._database.run(CorrectionRow.delete().where(overlaps(CorrectionRow, words)))

    def voice_turns(self, record_id: int) -> tuple[VoiceTurn, ...]:
        """Return when which voice speaks, in the order of the recording."""
        query = VoiceTurnRow.select().where(VoiceTurnRow.record == record_id).order_by(VoiceTurnRow.start_ms)
        return sound(VoiceTurn, self._database.all(query))

    # Writes of other parts of the store, inside their transactions

    def replace(self, record_id: int, labels: Iterable[Label], turns: Iterable[VoiceTurn]) -> None:
        """Replace what the machine says of who spoke, with a new transcript."""
        self.relabel(record_id, labels)
        self._database.run(VoiceTurnRow.delete().where(VoiceTurnRow.record == record_id))
        self._insert(VoiceTurnRow, record_id, turns)

    def of_persons(self, record_id: int) -> tuple[tuple[Label, ...], tuple[Correction, ...]]:
        """Return the labels and corrections of persons, the oldest first."""
        rows = self._database.all(
            SpeakerLabelRow.select().where(_of_persons(record_id)).order_by(SpeakerLabelRow.id)
        )
        return sound(Label, rows), self.corrections(record_id)

    def replace_those_of_persons(
        self, record_id: int, labels: Iterable[Label], corrections: Iterable[Correction]
    ) -> None:
        """Replace the labels and corrections of persons."""
        self.replace_labels_of_persons(record_id, labels)
        self.replace_corrections(record_id, corrections)

    def replace_labels_of_persons(self, record_id: int, labels: Iterable[Label]) -> None:
        """Replace the labels of persons."""
        self._database.run(SpeakerLabelRow.delete().where(_of_persons(record_id)))
        self._insert(SpeakerLabelRow, record_id, labels)

    def replace_corrections(
        self, record_id: int, corrections: Iterable[Correction], words: tuple[int, int] | None = None
    ) -> None:
        """Replace all corrections, or those of some words."""
        if words:
            self.withdraw(record_id, *words)
        else:
            self._database.run(CorrectionRow.delete().where(CorrectionRow.record == record_id))
        self._insert(CorrectionRow, record_id, corrections)

    def replace_names(self, record_id: int, names: Mapping[str, str]) -> None:
        """Replace the names that a person gave."""
        self._database.run(SpeakerNameRow.delete().where(SpeakerNameRow.record == record_id))
        for speaker, name in names.items():
            self._database.run(SpeakerNameRow.insert(record=record_id, speaker=speaker, name=name))

    def set_swaps(self, record_id: int, swaps: Mapping[str, str]) -> None:
        """Note which speakers are exchanged; labels stay as they are."""
        self._database.run(SpeakerSwapRow.delete().where(SpeakerSwapRow.record == record_id))
        for speaker, other in swaps.items():
            if speaker != other:
                self._database.run(SpeakerSwapRow.insert(record=record_id, speaker=speaker, other=other))

    def undo_swaps(self, record_id: int, before: Mapping[str, str]) -> None:
        """Exchange the machine's labels back to how they were with other swaps."""
        now = self.swaps(record_id)
        if now != dict(before):
            machines = {other: speaker for speaker, other in now.items()}
            known = {*now, *machines, *before, *before.values()}
            original = {speaker: machines.get(speaker, speaker) for speaker in known}
            exchange = {shown: before.get(machine, machine) for shown, machine in original.items()}
            self._exchange(SpeakerLabelRow.source != PERSON, record_id, exchange)
            self.set_swaps(record_id, before)

    def _exchange(self, which: Any, record_id: int, speakers: Mapping[str, str]) -> None:
        """Give labels of a record other speakers."""
        others = {old: new for old, new in speakers.items() if old != new}
        if others:
            which &= (SpeakerLabelRow.record == record_id) & SpeakerLabelRow.speaker.in_(list(others))
            speaker = Case(SpeakerLabelRow.speaker, list(others.items()))
            self._database.run(SpeakerLabelRow.update(speaker=speaker).where(which))

    def _insert(self, table: Any, record_id: int, overlays: Iterable[Any]) -> None:
        rows: Sequence[Row] = [{"record": record_id, **asdict(overlay)} for overlay in overlays]
        for start in range(0, len(rows), ROWS_AT_ONCE):
            self._database.run(table.insert_many(rows[start : start + ROWS_AT_ONCE]))


def _of_persons(record_id: int) -> Any:
    return (SpeakerLabelRow.record == record_id) & (SpeakerLabelRow.source == PERSON)


def exchanged(labels: Iterable[Label], speakers: Mapping[str, str]) -> list[Label]:
    """Return labels with other speakers, those that `speakers` names."""
    return [replace(label, speaker=speakers.get(label.speaker, label.speaker)) for label in labels]


def _is_text(row: Row, *columns: str) -> bool:
    return all(isinstance(row[column], str) for column in columns)
