"""Carries what persons have laid over words to another transcript of the same recording.

Before words are removed, overlays of persons are taken off them, with their times and texts, into a table of
their own. When there are words again, each finds its place or stays in that table. Both are done in the
transaction that replaces the words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

from shared.reading import Correction
from shared.speakers import PERSON, Label
from shared.store.database import Database
from shared.store.overlays import Overlays
from shared.store.placing import CORRECTION, LABEL, Place, Places, Unplaced, lifted
from shared.store.tables import EditRow, UnplacedRow
from shared.store.transcripts import Transcripts
from shared.store.values import sound
from shared.words import Word


class Carrying:
    """The overlays of one database that are between two transcripts, or found no place in the present one."""

    def __init__(
        self,
        database: Database,
        transcripts: Transcripts,
        overlays: Overlays,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._transcripts, self._overlays = database, transcripts, overlays
        self._clock = clock

    def unplaced(self, record_id: int) -> tuple[Unplaced, ...]:
        """Return what persons said of words that are not in the transcript, by its time."""
        mine = UnplacedRow.record == record_id
        rows = self._database.all(UnplacedRow.select().where(mine).order_by(UnplacedRow.start_ms))
        return sound(Unplaced, rows)

    # Writes, inside a transaction

    def lift(self, record_id: int) -> None:
        """Take all overlays of persons off the words; call it before the words are removed.

        Changes can no longer be undone: they point at words that are going.
        """
        labels, corrections = self._overlays.of_persons(record_id)
        if labels or corrections:
            words = self._words(record_id)
            found = [*self._lifted_labels(words, labels), *_lifted_corrections(words, corrections)]
            self.keep_unplaced(record_id, [*self.unplaced(record_id), *found])
            self._overlays.replace_those_of_persons(record_id, (), ())
        self._database.run(EditRow.delete().where(EditRow.record == record_id))

    def place(self, record_id: int) -> None:
        """Lay every overlay without words over those that now stand in its place, if there are such."""
        waiting = self.unplaced(record_id)
        if not waiting:
            return
        present = self._overlays.of_persons(record_id)
        labels, corrections = list(present[0]), list(present[1])
        places, left = Places(self._words(record_id)), []
        for overlay in waiting:
            place = places.find(overlay)
            if place is None or (overlay.kind == CORRECTION and _is_taken(place, corrections)):
                left.append(overlay)
            elif overlay.kind == CORRECTION:
                corrections.append(_correction(overlay, place))
            else:
                labels.append(Label(place.first_word, place.last_word, overlay.text, PERSON))
        self._overlays.replace_those_of_persons(record_id, labels, corrections)
        self.keep_unplaced(record_id, left)
        self._transcripts.correct_index(record_id, corrections)

    def keep_unplaced(self, record_id: int, overlays: Iterable[Unplaced]) -> None:
        """Replace the overlays that have no place."""
        self._database.run(UnplacedRow.delete().where(UnplacedRow.record == record_id))
        for overlay in overlays:
            self._database.run(UnplacedRow.insert(record=record_id, **asdict(overlay)))

    def _words(self, record_id: int) -> list[Word]:
        return [word for segment in self._transcripts.segments(record_id) for word in segment.words]

    def _lifted_labels(self, words: Sequence[Word], labels: Iterable[Label]) -> list[Unplaced]:
        now = self._clock()
        found = (
            lifted(words, it.first_word, it.last_word, kind=LABEL, text=it.speaker, made_at=now)
            for it in labels
        )
        return [overlay for overlay in found if overlay]


def _lifted_corrections(words: Sequence[Word], corrections: Iterable[Correction]) -> list[Unplaced]:
    found = (
        lifted(words, it.first_word, it.last_word, kind=CORRECTION, text=it.text, made_at=it.made_at)
        for it in corrections
    )
    return [overlay for overlay in found if overlay]


def _correction(overlay: Unplaced, place: Place) -> Correction:
    return Correction(place.first_word, place.last_word, overlay.text, PERSON, overlay.made_at)


def _is_taken(place: Place, corrections: Iterable[Correction]) -> bool:
    """Whether another correction stands over some of the words."""
    return any(it.first_word <= place.last_word and it.last_word >= place.first_word for it in corrections)
