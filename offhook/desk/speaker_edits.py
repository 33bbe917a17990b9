"""Who said what, as a page changes it: without reading the words of a call, and without writing its files."""

from __future__ import annotations

from offhook.desk.cast import cast_of, give
from offhook.desk.changes import stored
from offhook.desk.desk import Desk
from offhook.desk.passage_edits import require_stored
from offhook.desk.speech import NoSuchMoment


def rename(desk: Desk, record_id: int, who: str, name: str) -> str:
    """Give a speaker a name, wherever that speaker speaks in the recording; an empty one takes it away.

    Return how the speaker is called now. Raises RecordNotFound, UnknownSpeaker.
    """
    given = " ".join(name.split())
    with stored(desk, record_id, "speaker") as record:
        speaker = cast_of(desk, record).known_speaker(record_id, who)
        desk.store.overlays.rename(record_id, speaker, given or None)
        return cast_of(desk, record).name(speaker)


def assign(desk: Desk, record_id: int, first_word: int, last_word: int, who: str) -> str:
    """Say who said some words, and return that speaker; a name that is not known is a new speaker.

    Raises RecordNotFound, NoSuchMoment, StateConflict.
    """
    with stored(desk, record_id, "speaker") as record:
        require_stored(desk, record)
        words = desk.store.parts.words(record_id)
        if not 0 <= first_word <= last_word < words:
            raise NoSuchMoment(f"Recording {record_id} has no words {first_word} to {last_word}.")
        return give(desk, record_id, cast_of(desk, record), (first_word, last_word), who)


def swap(desk: Desk, record_id: int, one: str, other: str) -> tuple[str, str]:
    """Exchange two speakers, and return them. Raises RecordNotFound, UnknownSpeaker."""
    with stored(desk, record_id, "speaker") as record:
        cast = cast_of(desk, record)
        pair = (cast.known_speaker(record_id, one), cast.known_speaker(record_id, other))
        desk.store.overlays.swap(record_id, *pair)
        return pair
