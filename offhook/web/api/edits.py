"""What persons changed in a record: the history, undoing, and words that are replaced wherever they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from offhook.desk import history, replacing, terms
from offhook.desk.replacing import Place, Replacement
from offhook.web.api.limits import Name, RowNumber, WordNumber
from offhook.web.call import Call, Endpoint
from offhook.web.reads import SEARCH
from offhook.web.work import LONG
from shared.store.audit import Note
from shared.store.edits import Edit
from shared.times import iso

#: Places that an answer has; `count` is always of all.
MOST_PLACES = 2000


class Made(Struct):
    """A change that was made: by editing, replacing, naming and so on."""

    id: int
    what: str
    made_at: str | None


class Edits(Struct):
    """The changes that can be undone, the last one first."""

    edits: list[Made]


class Undo(Struct):
    """The change back to which all are undone, that one too; without it the last one is."""

    back_to: RowNumber | None = None


class Undone(Struct):
    """The last change that was undone, null if there was none, and the number of all."""

    undone: Made | None
    count: int


class Chosen(Struct):
    """A place of a preview, by the number of its first word."""

    record_id: RowNumber
    first_word: WordNumber


class Replacing(Struct):
    """Words and what they are replaced by: in this record or everywhere, at all places or `only` at some."""

    old: Name
    new: Name
    preview: bool = False
    everywhere: bool = False
    only: Annotated[list[Chosen], Meta(max_length=20_000)] | None = None


class OfRecord(Struct):
    """What is replaced in one record."""

    record_id: int
    title: str
    count: int
    places: list[Place]


class Replaced(Struct):
    """What is replaced, by record; of very many places the first are listed."""

    count: int
    records: list[OfRecord]


class Term(Struct):
    """A term that the model is to listen for."""

    term: Name


class Added(Struct):
    """Whether a term is new."""

    is_new: bool


def get_edits(call: Call) -> Edits:
    """List the changes."""
    return Edits([_made(it) for it in history.history(call.desk, call.record_id)])


def undo(call: Call) -> Undone:
    """Undo changes."""
    found = history.undo(call.desk, call.record_id, call.body.back_to)
    return Undone(_made(found[0]) if found else None, len(found))


def replace(call: Call) -> Replaced:
    """Show what would be replaced, or replace it."""
    desk, record_id, given = call.desk, call.record_id, call.body
    desk.store.records.get(record_id)
    if given.preview:
        wanted = None if given.everywhere else [record_id]
        note = Note(SEARCH, detail=given.old) if given.everywhere else Note("read", record_id)
        with desk.noting(note) as noting:  # what is around the words is read
            return _replaced(replacing.preview(noting, given.old, given.new, wanted))
    only = _chosen(given)
    if given.everywhere:
        return _replaced(replacing.replace_everywhere(desk, given.old, given.new, only))
    places = None if only is None else only.get(record_id, ())
    with desk.noting(Note("edit", record_id, "replace")) as noting:
        return _replaced([replacing.replace_now(noting, record_id, given.old, given.new, places)])


def add_term(call: Call) -> Added:
    """Add a term to the glossary."""
    return Added(terms.add(call.desk, call.body.term))


def _chosen(given: Replacing) -> dict[int, list[int]] | None:
    """Return the first words of the chosen places by record; None: all places."""
    if given.only is None:
        return None
    by_record: dict[int, list[int]] = {}
    for it in given.only:
        by_record.setdefault(it.record_id, []).append(it.first_word)
    return by_record


def _replaced(found: Iterable[Replacement]) -> Replaced:
    records: list[OfRecord] = []
    left = MOST_PLACES
    for it in found:
        places = list(it.places[:left])
        left -= len(places)
        if it.places:
            records.append(OfRecord(it.record.id, it.record.title, len(it.places), places))
    return Replaced(sum(it.count for it in records), records)


def _made(edit: Edit) -> Made:
    return Made(edit.id, edit.what, iso(edit.made_at))


_RECORD = "/api/v1/records/{record_id}"

ENDPOINTS = (
    Endpoint("GET", f"{_RECORD}/edits", get_edits, "What persons changed in a recording", answer=Edits),
    Endpoint("POST", f"{_RECORD}/undo", undo, "Undo changes", body=Undo, answer=Undone),
    Endpoint(
        *("POST", f"{_RECORD}/replace", replace, "Replace words"),
        body=Replacing,
        answer=Replaced,
        kind=LONG,
    ),
    Endpoint("POST", "/api/v1/glossary", add_term, "Add a term to the glossary", body=Term, answer=Added),
)
