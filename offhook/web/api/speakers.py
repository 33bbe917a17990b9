"""Who speaks in a record, and who said which words."""

from __future__ import annotations

from msgspec import Struct

from offhook.desk import speaker_edits
from offhook.desk.speaker_shares import Share, shares
from offhook.web.api.limits import Name, WordNumber
from offhook.web.call import Call, Endpoint

#: Names that are offered for other speakers.
MOST_NAMES = 200


class Speakers(Struct):
    """The speakers of a record, and names that persons gave to speakers of any record."""

    speakers: list[Share]
    known: list[str]


class NewName(Struct):
    """A speaker, by a name or by `me`, `them` or `voice 2`, and a new name; an empty one takes it away."""

    speaker: Name
    name: Name


class Named(Struct):
    """How a speaker is called."""

    name: str


class Giving(Struct):
    """Words by their numbers, both included, and who said them; another name is a new speaker."""

    first_word: WordNumber
    last_word: WordNumber
    who: Name


class Given(Struct):
    """The speaker that words were given to."""

    speaker: str


class Pair(Struct):
    """Two speakers that are exchanged."""

    one: Name
    other: Name


def get_speakers(call: Call) -> Speakers:
    """List the speakers."""
    record = call.desk.store.records.get(call.record_id)
    return Speakers(shares(call.desk, record), call.desk.store.known_names.given(MOST_NAMES))


def rename(call: Call) -> Named:
    """Give a speaker a name."""
    return Named(speaker_edits.rename(call.desk, call.record_id, call.body.speaker, call.body.name))


def assign(call: Call) -> Given:
    """Say who said some words."""
    words = (call.body.first_word, call.body.last_word)
    return Given(speaker_edits.assign(call.desk, call.record_id, *words, call.body.who))


def swap(call: Call) -> Pair:
    """Exchange two speakers."""
    return Pair(*speaker_edits.swap(call.desk, call.record_id, call.body.one, call.body.other))


_SPEAKERS = "/api/v1/records/{record_id}/speakers"

ENDPOINTS = (
    Endpoint("GET", _SPEAKERS, get_speakers, "The speakers of a recording", answer=Speakers),
    Endpoint("PUT", _SPEAKERS, rename, "Give a speaker a name", body=NewName, answer=Named),
    Endpoint("POST", f"{_SPEAKERS}/assign", assign, "Say who said some words", body=Giving, answer=Given),
    Endpoint("POST", f"{_SPEAKERS}/swap", swap, "Exchange two speakers", body=Pair, answer=Pair),
)
