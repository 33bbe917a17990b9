"""Carries what persons have laid over words to another transcript of the same recording.

Before words are removed, overlays of persons are taken off them, with their times and texts, into a table of
their own. When there are words again, each finds its place or stays in that table. Both are done in the
transaction that replaces the words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict

from shared.reading import Correction
from shared.speakers import PERSON, Label
from shared.store.database import Database
from shared.store.overlays import Overlays
from shared.store.placing import CORRECTION, LABEL, Overlaid, Place, Unplaced
from shared.store.tables import EditRow, UnplacedRow
from shared.store.tracks import Finder, Track, tracks_of
from shared.store.transcripts import Transcripts
from shared.store.values import sound


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
            tracks = tracks_of(self._transcripts.segments(record_id))
            found = [
                *_lifted_labels(tracks, labels, self._clock()),
                *_lifted_corrections(tracks, corrections),
            ]
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
        finder, left = Finder(tracks_of(self._transcripts.segments(record_id))), []
        for overlay in waiting:
            places = finder.find(overlay)
            if not places or (overlay.kind == CORRECTION and _is_taken(places[0], corrections)):
                left.append(overlay)
            elif overlay.kind == CORRECTION:
                corrections.append(_correction(overlay, places[0]))
            else:
                labels += [Label(it.first_word, it.last_word, overlay.text, PERSON) for it in places]
        self._overlays.replace_those_of_persons(record_id, labels, corrections)
        self.keep_unplaced(record_id, left)
        self._transcripts.correct_index(record_id, corrections)

    def keep_unplaced(self, record_id: int, overlays: Iterable[Unplaced]) -> None:
        """Replace the overlays that have no place."""
        self._database.run(UnplacedRow.delete().where(UnplacedRow.record == record_id))
        for overlay in overlays:
            self._database.run(UnplacedRow.insert(record=record_id, **asdict(overlay)))


def _lifted_labels(tracks: Sequence[Track], labels: Iterable[Label], now: float) -> Iterator[Unplaced]:
    """Yield labels by channel."""
    for label in labels:
        for track in tracks:
            overlay = Overlaid(LABEL, label.speaker, now, track.channel)
            if found := track.lifted(label.first_word, label.last_word, overlay):
                yield found


def _lifted_corrections(tracks: Sequence[Track], corrections: Iterable[Correction]) -> Iterator[Unplaced]:
    """Yield corrections, each of the channel in which it begins."""
    for it in corrections:
        own = [track for track in tracks if it.first_word in track.numbers]
        for track in own:
            overlay = Overlaid(CORRECTION, it.text, it.made_at, track.channel)
            if found := track.lifted(it.first_word, it.last_word, overlay):
                yield found


def _correction(overlay: Unplaced, place: Place) -> Correction:
    return Correction(place.first_word, place.last_word, overlay.text, PERSON, overlay.made_at)


def _is_taken(place: Place, corrections: Iterable[Correction]) -> bool:
    """Whether another correction stands over some of the words."""
    return any(it.first_word <= place.last_word and it.last_word >= place.first_word for it in corrections)
