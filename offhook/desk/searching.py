"""Finds moments for commands and pages: by words, by names of speakers, by candidate, project and day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from archive.names import known
from archive.passages import name_of
from offhook.desk.cast import is_speaker
from offhook.desk.desk import Desk
from offhook.desk.reading import encodable, units
from shared.speakers import ME, THEM
from shared.store.database import LARGEST_ID
from shared.store.narrowing import Narrowing, SaidBy
from shared.store.search import Moment, Sight
from shared.store.values import Record
from shared.times import iso
from shared.words import milliseconds

#: Days that every system can turn into a time.
EARLIEST, LATEST = datetime(1971, 1, 1), datetime(2999, 1, 1)


@dataclass(frozen=True)
class Wanted:
    """What a person looks for besides words; days are in the local zone, both included."""

    speaker: str | None = None
    candidate_id: str | None = None
    project_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Hit:
    """A moment, and how its speaker is called; None if nobody knows who it is."""

    moment: Moment
    name: str | None


@dataclass(frozen=True)
class Place:
    """A moment for a page: `marks` are what was found in the snippet, in UTF-16 units, both ends."""

    record_id: int
    title: str
    candidate_id: str | None
    project_id: str | None
    created_at: str | None
    start_ms: int
    end_ms: int
    moment_ms: int
    speaker: str | None
    name: str | None
    snippet: str
    marks: list[tuple[int, int]]


@dataclass(frozen=True)
class Places:
    """Moments, the newest first; `cursor` is where the search goes on, None at its end."""

    places: list[Place]
    cursor: int | None


def find(desk: Desk, words: str, limit: int, wanted: Wanted) -> list[Hit]:
    """Return the moments at which all the words are said, the newest first."""
    found = desk.store.search.find(words, limit, _narrowing(desk, wanted))
    names = _names(desk, found)
    return [Hit(it, _name(it, names[it.record_id])) for it in found]


def look(desk: Desk, words: str, limit: int, wanted: Wanted, cursor: int | None = None) -> Places:
    """Return the moments at which all the words are said, from a cursor on.

    Recordings that are being deleted are left out, so that there may be fewer than `limit`.
    """
    before_id = LARGEST_ID if cursor is None else cursor
    found = desk.store.search.look(words, limit, _narrowing(desk, wanted), before_id)
    names = _names(desk, [it.moment for it in found])
    records = {it.id: it for it in desk.store.records.some(list(names))}
    leaving = {*desk.store.deletions.due_at(list(names)), *desk.store.erasures.marked()}
    shown = [
        _place(it, records[it.moment.record_id], names[it.moment.record_id])
        for it in found
        if it.moment.record_id in records and it.moment.record_id not in leaving
    ]
    return Places(shown, found[-1].segment_id if len(found) == limit else None)


def _narrowing(desk: Desk, wanted: Wanted) -> Narrowing:
    return Narrowing(
        wanted.candidate_id,
        wanted.project_id,
        _bounded(wanted.since).timestamp() if wanted.since else None,
        (_bounded(wanted.until) + timedelta(days=1)).timestamp() if wanted.until else None,
        said_by(desk, wanted.speaker) if wanted.speaker else None,
    )


def _bounded(day: datetime) -> datetime:
    """Return the day, or the nearest one that every system has a time for; no recording is beyond it."""
    return min(max(day, EARLIEST), LATEST)


def _names(desk: Desk, found: Iterable[Moment]) -> dict[int, Mapping[str, str]]:
    """Return the names of the speakers of each recording."""
    record_ids = {moment.record_id for moment in found}
    given = desk.store.overlays.names_of(record_ids)
    records = desk.store.records.some(record_ids)
    return {it.id: known(it, desk.settings.my_name) | given[it.id] for it in records}


def _name(moment: Moment, names: Mapping[str, str]) -> str | None:
    return name_of(moment.speaker, names) if moment.speaker else None


def _place(sight: Sight, record: Record, names: Mapping[str, str]) -> Place:
    it, shown = sight.moment, sight.excerpt
    return Place(
        it.record_id,
        it.title,
        record.candidate_id,
        record.project_id,
        iso(record.created_at),
        milliseconds(it.start_seconds),
        milliseconds(it.end_seconds),
        milliseconds(it.moment_seconds),
        it.speaker,
        _name(it, names),
        encodable(shown.text),
        [(units(shown.text[:begin]), units(shown.text[:end])) for begin, end in shown.marks],
    )


def said_by(desk: Desk, name: str) -> SaidBy:
    """Return the speakers that a name means: `me`, `voice 2`, or a name in all recordings that have it."""
    plain = " ".join(name.split())
    everywhere = set()
    if is_speaker(plain):
        everywhere.add(plain.casefold())
    if plain.casefold() == desk.settings.my_name.strip().casefold():
        everywhere.add(ME)
    named = desk.store.known_names.named(plain)
    for record_id in desk.store.known_names.far_sides(plain):
        named[record_id] = named.get(record_id, frozenset()) | {THEM}
    return SaidBy(frozenset(everywhere), named)
