"""Texts that persons are typing, kept until they are stored or dropped."""

from __future__ import annotations

from offhook.desk import passage_edits, reading
from offhook.desk.desk import Desk
from offhook.desk.speech import NoSuchMoment
from shared.times import iso


def put(desk: Desk, record_id: int, first_word: int, text: str, base: str) -> None:
    """Keep the text that is being typed for the passage that begins with a word.

    `base` is the version of the passage that the typing began with; the text is kept if the passage is
    another one now. Raises RecordNotFound, NoSuchMoment, StateConflict.
    """
    with desk.store.transaction():
        record = desk.store.records.get(record_id)
        passage_edits.require_stored(desk, record)
        if desk.store.parts.place_of(record_id, first_word) is None:
            raise NoSuchMoment(f"Recording {record_id} has no word {first_word}.")
        desk.store.drafts.put(record_id, first_word, base, text)


def drop(desk: Desk, record_id: int, first_word: int) -> None:
    """Drop the text for a passage, if there is one. Raises RecordNotFound."""
    desk.store.records.get(record_id)
    desk.store.drafts.drop(record_id, first_word)


def orphans(desk: Desk, record_id: int) -> list[dict[str, object]]:
    """Return the texts whose passages are gone, for a page. Raises RecordNotFound."""
    record = desk.store.records.get(record_id)
    found = reading.orphans(desk, record)
    return [{"first_word": it.first_word, "text": it.text, "made_at": iso(it.made_at)} for it in found]
