"""Finds moments for commands and pages: by words, by names of speakers, by candidate, project and day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from archive.names import known
from archive.passages import name_of
from offhook.desk.cast import is_speaker
from offhook.desk.desk import Desk
from shared.speakers import ME, THEM
from shared.store.narrowing import Narrowing, SaidBy
from shared.store.search import Moment


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


def find(desk: Desk, words: str, limit: int, wanted: Wanted) -> list[Hit]:
    """Return the moments at which all the words are said, the newest first."""
    said = said_by(desk, wanted.speaker) if wanted.speaker else None
    narrowing = Narrowing(
        wanted.candidate_id,
        wanted.project_id,
        wanted.since.timestamp() if wanted.since else None,
        (wanted.until + timedelta(days=1)).timestamp() if wanted.until else None,
        said,
    )
    found = desk.store.search.find(words, limit, narrowing)
    record_ids = {moment.record_id for moment in found}
    given = desk.store.overlays.names_of(record_ids)
    records = desk.store.records.some(record_ids)
    names = {it.id: known(it, desk.settings.my_name) | given[it.id] for it in records}
    return [
        Hit(moment, name_of(moment.speaker, names[moment.record_id]) if moment.speaker else None)
        for moment in found
    ]


def said_by(desk: Desk, name: str) -> SaidBy:
    """Return the speakers that a name means: `me`, `voice 2`, or a name in all recordings that have it."""
    plain = " ".join(name.split())
    everywhere = set()
    if is_speaker(plain):
        everywhere.add(plain.casefold())
    if plain.casefold() == desk.settings.my_name.strip().casefold():
        everywhere.add(ME)
    named = desk.store.overlays.named(plain)
    for record_id in desk.store.overlays.far_sides(plain):
        named[record_id] = named.get(record_id, frozenset()) | {THEM}
    return SaidBy(frozenset(everywhere), named)
