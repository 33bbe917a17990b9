"""Finds moments by words, by who said them and by what is known of their recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from shared.reading import Token, read
from shared.store import words_index
from shared.store.database import LARGEST_ID, Database, Found
from shared.store.narrowing import EVERYTHING, Narrowing
from shared.store.overlays import Overlays
from shared.store.tables import RecordRow
from shared.store.transcripts import Transcripts
from shared.store.view import EVERYBODY, View
from shared.store.word_ranges import Words
from shared.store.words_index import Excerpt, Query
from shared.words import seconds

#: Segments that are looked at together; of those narrowed to speakers some are passed over.
FEWEST_AT_ONCE = 50
#: Segments whose overlays are read by one query.
READ_AT_ONCE = 50


@dataclass(frozen=True)
class Moment:
    """A segment with the words; when the first of them is said, and by whom.

    `snippet` has the words in brackets. `speaker` is None if nothing says who it is.
    """

    record_id: int
    title: str
    start_seconds: float
    end_seconds: float
    text: str
    snippet: str
    moment_seconds: float
    speaker: str | None


@dataclass(frozen=True)
class Sight:
    """A moment with an excerpt of its text; a search goes on before its `segment_id`."""

    moment: Moment
    excerpt: Excerpt
    segment_id: int


class Search:
    """The search of one database."""

    def __init__(
        self, database: Database, transcripts: Transcripts, overlays: Overlays, view: View = EVERYBODY
    ) -> None:
        self._database, self._transcripts, self._overlays = database, transcripts, overlays
        self._view = view

    def find(self, words: str, limit: int, narrowing: Narrowing = EVERYTHING) -> list[Moment]:
        """Return the moments at which all the words are said, the newest first; `word*` finds prefixes."""
        return [it.moment for it in self.look(words, limit, narrowing)]

    def look(
        self, words: str, limit: int, narrowing: Narrowing = EVERYTHING, before_id: int = LARGEST_ID
    ) -> list[Sight]:
        """Do so for moments before one, each with an excerpt."""
        query = words_index.parse(words)
        if self._view.owner_id is not None:
            narrowing = replace(narrowing, owner_id=self._view.owner_id)
        return list(islice(self._moments(query, limit, narrowing, before_id), limit))

    def records_with(self, words: str) -> list[int]:
        """Return the numbers of the records in which each of the words is said, in any segment."""
        terms = words_index.parse(words).terms
        found = [set(self._database.records_with_text(Query((term,)))) for term in terms]
        return self._seen(set.intersection(*found)) if found else []

    def _seen(self, record_ids: set[int]) -> list[int]:
        if self._view.owner_id is not None:
            own = RecordRow.select(RecordRow.id).where(RecordRow.owner_id == self._view.owner_id)
            record_ids &= set(self._database.column(own))
        return sorted(record_ids)

    def _moments(self, query: Query, limit: int, narrowing: Narrowing, before_id: int) -> Iterator[Sight]:
        at_once = limit if narrowing.said is None else max(limit, FEWEST_AT_ONCE)
        found = self._database.find_text(query, at_once, narrowing, before_id)
        while found:
            for some in _parts(found, READ_AT_ONCE):
                for segment, tokens in zip(some, self._tokens(some), strict=True):
                    if moment := _moment(segment, tokens, query, narrowing):
                        shown = words_index.excerpt(segment.text, query)
                        yield Sight(moment, shown, segment.segment_id)
            if len(found) < at_once:
                return
            found = self._database.find_text(query, at_once, narrowing, found[-1].segment_id)

    def _tokens(self, found: Sequence[Found]) -> list[list[Token]]:
        """Return segments as a person reads them."""
        segments = self._transcripts.some([it.segment_id for it in found])
        present = [segments[it.segment_id] for it in found]
        wanted = [
            Words(it.record_id, first, first + len(segment.words) - 1)
            for it, segment in zip(found, present, strict=True)
            for first in [segment.first_word or 0]
        ]
        near = self._overlays.near(wanted)
        return [
            read([segment], labels, corrections)
            for segment, (labels, corrections) in zip(present, near, strict=True)
        ]


def _parts(found: Sequence[Found], count: int) -> Iterator[Sequence[Found]]:
    """Yield parts of so many."""
    return (found[start : start + count] for start in range(0, len(found), count))


def _moment(found: Found, tokens: list[Token], query: Query, narrowing: Narrowing) -> Moment | None:
    """Return the moment of a found segment; None if others than those asked for say the words."""
    said_by = narrowing.said.of(found.record_id) if narrowing.said else None
    token = _first(tokens, query, said_by)
    if token is None and said_by is not None:
        return None
    return Moment(
        found.record_id,
        found.title,
        found.start_seconds,
        found.end_seconds,
        found.text,
        words_index.snippet(found.text, query),
        seconds(token.start_ms) if token else found.start_seconds,
        token.speaker if token else None,
    )


def _first(tokens: list[Token], query: Query, said_by: frozenset[str] | None) -> Token | None:
    """Return the token in which the first of the words is; only words of some speakers count, if given."""
    heard = [token if said_by is None or token.speaker in said_by else _mute(token) for token in tokens]
    found = words_index.places("".join(token.text for token in heard), query)
    end = 0
    for token in heard:
        end += len(token.text)
        if found and found[0][0] < end:
            return token
    return None


def _mute(token: Token) -> Token:
    return replace(token, text="\n")
