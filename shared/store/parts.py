"""Parts of transcripts: some segments of a call and what is laid over them, without reading the whole call.

A part is widened until every correction that it has is whole, so that it reads as it does in the whole
transcript. The place of a segment is its position in the transcript, from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from peewee import fn

from shared.reading import Correction, first_word_of
from shared.speakers import Label
from shared.store.database import Database
from shared.store.overlays import Overlays
from shared.store.segment_rows import time_ms_of
from shared.store.tables import SegmentRow
from shared.store.transcripts import Glimpse, Transcripts
from shared.store.word_ranges import Words
from shared.words import Segment, numbered


@dataclass(frozen=True)
class Part:
    """Segments one after another, the first of which has this place, and what is laid over their words."""

    place: int
    segments: tuple[Segment, ...]
    labels: tuple[Label, ...] = ()
    corrections: tuple[Correction, ...] = ()
    row_ids: tuple[int, ...] = ()  # of the segments


class Parts:
    """The parts of the transcripts of one database."""

    def __init__(self, database: Database, transcripts: Transcripts, overlays: Overlays) -> None:
        self._database, self._transcripts, self._overlays = database, transcripts, overlays

    def outline(self, record_id: int) -> list[Glimpse]:
        """Return where the segments of a finished transcript begin and how long they are; reads no words."""
        characters = fn.LENGTH(fn.COALESCE(SegmentRow.corrected_text, SegmentRow.text))
        mine = SegmentRow.select(SegmentRow.start_seconds, characters.alias("characters")).where(
            SegmentRow.record == record_id
        )
        rows = self._database.all(mine.order_by(SegmentRow.id))
        return [Glimpse(time_ms_of(row, "start_seconds"), row["characters"] or 0) for row in rows]

    def texts(self, record_id: int) -> list[str]:
        """Return the text of each segment of a finished transcript, as it is read."""
        text = fn.COALESCE(SegmentRow.corrected_text, SegmentRow.text).alias("read")
        query = SegmentRow.select(text).where(SegmentRow.record == record_id).order_by(SegmentRow.id)
        return [str(row["read"]) for row in self._database.all(query)]

    def count(self, record_id: int) -> int:
        """Return the number of segments of a finished transcript."""
        query = SegmentRow.select(fn.COUNT(SegmentRow.id)).where(SegmentRow.record == record_id)
        return int(self._database.scalar(query) or 0)

    def words(self, record_id: int) -> int:
        """Return the number of words of a finished transcript."""
        last = self._transcripts.slice(record_id, max(0, self.count(record_id) - 1), 1)
        return sum((it.first_word or 0) + len(it.words) for _, it in last)

    def place_of(self, record_id: int, word: int) -> int | None:
        """Return the place of the segment that has a word; None if there is no such word."""
        before = (SegmentRow.record == record_id) & (SegmentRow.first_word <= word)
        place = int(self._database.scalar(SegmentRow.select(fn.COUNT(SegmentRow.id)).where(before)) or 0) - 1
        if word < 0 or place < 0:
            return None
        found = self._transcripts.slice(record_id, place, 1)
        return place if found and word < (found[0][1].first_word or 0) + len(found[0][1].words) else None

    def of_segments(self, record_id: int, first: int, count: int) -> Part:
        """Return some segments, and as many around them as their corrections need."""
        begin, end = max(0, first), max(0, first) + max(0, count)
        while True:
            rows = self._transcripts.slice(record_id, begin, end - begin)
            segments = numbered((it for _, it in rows), begin=rows[0][1].first_word or 0 if rows else 0)
            words = sum(len(it.words) for it in segments)
            first_word = first_word_of(segments)
            labels, corrections = self._laid(record_id, first_word, first_word + words - 1)
            wider = self._wider(record_id, begin, end, corrections, range(first_word, first_word + words))
            if wider == (begin, end):
                return Part(begin, segments, labels, corrections, tuple(row_id for row_id, _ in rows))
            begin, end = wider

    def of_words(self, record_id: int, first_word: int, last_word: int) -> Part | None:
        """Return the segments of some words, and as many around them as needed; None without such words."""
        begin, end = self.place_of(record_id, first_word), self.place_of(record_id, last_word)
        return None if begin is None or end is None else self.of_segments(record_id, begin, end - begin + 1)

    def of_spans(self, record_id: int, spans: Iterable[tuple[int, int]]) -> Iterator[Part]:
        """Yield the parts that have some words, each range of them by its first and last word, in order.

        Words that there are not are passed over.
        """
        done, last_word = -1, self.words(record_id) - 1
        for first, last in spans:
            begin, end = max(first, done + 1), min(last, last_word)
            if begin <= end and (part := self.of_words(record_id, begin, end)):
                yield part
                done = words_of(part)[-1]

    def _laid(
        self, record_id: int, first_word: int, last_word: int
    ) -> tuple[tuple[Label, ...], tuple[Correction, ...]]:
        if last_word < first_word:
            return (), ()
        ((labels, corrections),) = self._overlays.near([Words(record_id, first_word, last_word)])
        return labels, corrections

    def _wider(
        self, record_id: int, begin: int, end: int, corrections: Iterable[Correction], words: range
    ) -> tuple[int, int]:
        """Return the places of the segments that have all the words of some corrections."""
        covering = [it for it in corrections if 0 <= it.first_word <= it.last_word]
        first = min((it.first_word for it in covering), default=words.start)
        last = max((it.last_word for it in covering), default=words.stop - 1)
        if first < words.start and (place := self.place_of(record_id, first)) is not None:
            begin = min(begin, place)
        if last >= words.stop:
            place = self.place_of(record_id, last)
            end = max(end, self.count(record_id) if place is None else place + 1)
        return begin, end


def words_of(part: Part) -> range:
    """Return the numbers of a part's words."""
    first = first_word_of(part.segments)
    return range(first, first + sum(len(it.words) for it in part.segments))
