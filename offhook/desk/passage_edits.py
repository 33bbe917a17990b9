"""Changes of one passage: its text, its words confirmed, its corrections taken away.

A change reads the segments around its passage and no others. It leaves the files in the library out of date:
`archived_at` is unset, so that the next sweep of a worker writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from archive.passages import Passage, plain
from offhook.desk import reading
from offhook.desk.changes import lay, stored
from offhook.desk.desk import Desk
from offhook.desk.reading import ShownPassage
from offhook.desk.rewording import Rewording, reworded
from offhook.desk.speech import NoSuchMoment
from shared.errors import OffhookError, StateConflict
from shared.store.parts import Part, words_of
from shared.store.values import Record
from shared.words import Word

#: Words whose corrections may be changed at once by number.
MOST_WORDS = 100_000


class PassageChanged(OffhookError):
    """The passage was changed meanwhile. Nothing was stored; compare your text with the present one."""

    code = "passage_changed"

    def __init__(self, present: Sequence[ShownPassage]) -> None:
        super().__init__()
        self.details: dict[str, Any] = {"passages": [asdict(it) for it in present]}


@dataclass(frozen=True)
class Changed:
    """The passages of the changed segments, and the version of the whole transcript."""

    passages: list[ShownPassage]
    version: str


@dataclass(frozen=True)
class Heard:
    """What the machine wrote for a passage, whatever persons have laid over it since."""

    first_word: int
    last_word: int
    text: str


@dataclass(frozen=True)
class Wording:
    """A person's text for a passage, and the version (`base`) of the passage that it was made of."""

    first_word: int
    last_word: int
    text: str
    base: str


def edit(desk: Desk, record_id: int, wanted: Wording) -> Changed:
    """Store the text of a passage as one change, and drop its draft. Raises PassageChanged, StateConflict."""
    words = (wanted.first_word, wanted.last_word)
    with _changed(desk, record_id, "edit", words) as record:
        found = reading.at_word(desk, record, wanted.first_word)
        passage = _present(found, wanted)
        for it in reworded(passage.tokens, [wanted.text]).rewordings:
            lay(desk, record_id, it, _engines(passage, it))
        desk.store.drafts.drop(record_id, wanted.first_word)
    return _after(desk, record_id, *words)


def confirm(desk: Desk, record_id: int, first_word: int, last_word: int) -> Changed:
    """Say that words are right: each is laid over itself, so that it is no doubt any more.

    Words that a person has corrected stay as they are. Raises NoSuchMoment, StateConflict.
    """
    with _changed(desk, record_id, "confirm", (first_word, last_word)):
        part = _part(desk, record_id, first_word, last_word)
        corrected = {n for it in part.corrections for n in range(it.first_word, it.last_word + 1)}
        for number, word in _words(part, first_word, last_word):
            if number not in corrected:
                desk.store.overlays.correct(record_id, number, number, plain(word.text))
    return _after(desk, record_id, first_word, last_word)


def restore(desk: Desk, record_id: int, first_word: int, last_word: int) -> Changed:
    """Take the corrections of words away, so that the machine's words are read again.

    Raises NoSuchMoment, StateConflict.
    """
    with _changed(desk, record_id, "restore", (first_word, last_word)):
        _part(desk, record_id, first_word, last_word)
        desk.store.overlays.withdraw(record_id, first_word, last_word)
    return _after(desk, record_id, first_word, last_word)


def heard(desk: Desk, record_id: int, first_word: int) -> Heard:
    """Return what the machine wrote for the passage that begins with a word. Raises NoSuchMoment."""
    record = desk.store.records.get(record_id)
    found = [] if reading.so_far(desk, record) else reading.at_word(desk, record, first_word)
    for passage, shown in found:
        if shown.first_word == first_word and shown.last_word is not None:
            return Heard(first_word, shown.last_word, "".join(it.text for it in passage.words).strip())
    raise NoSuchMoment(f"No passage of recording {record_id} begins with word {first_word}.")


def require_stored(desk: Desk, record: Record) -> None:
    """Make sure that the words that are shown are stored ones. Raises StateConflict."""
    if reading.so_far(desk, record):
        raise StateConflict(
            f"Recording {record.id} is being transcribed. Its words can be changed when it is completed."
        )


@contextmanager
def _changed(desk: Desk, record_id: int, what: str, words: tuple[int, int]) -> Iterator[Record]:
    """Make what is changed inside one change of some words. Raises RecordNotFound, StateConflict."""
    first_word, last_word = words
    if not 0 <= last_word - first_word < MOST_WORDS:
        raise NoSuchMoment(f"The words {first_word} to {last_word} are no passage.")
    with stored(desk, record_id, what, words) as record:
        require_stored(desk, record)
        yield record


def _present(found: Iterable[tuple[Passage, ShownPassage]], wanted: Wording) -> Passage:
    """Return the passage that a text was made of. Raises PassageChanged if it is another one now."""
    there = list(found)
    for passage, shown in there:
        words = (shown.first_word, shown.last_word)
        if words == (wanted.first_word, wanted.last_word) and shown.version == wanted.base:
            return passage
    raise PassageChanged([shown for _, shown in there])


def _engines(passage: Passage, it: Rewording) -> str:
    begin = passage.first_word or 0
    words = passage.words[it.first_word - begin : it.last_word + 1 - begin]
    return " ".join(plain(word.text) for word in words)


def _part(desk: Desk, record_id: int, first_word: int, last_word: int) -> Part:
    found = desk.store.parts.of_words(record_id, first_word, last_word)
    if found is None:
        raise NoSuchMoment(f"Recording {record_id} has no words {first_word} to {last_word}.")
    return found


def _words(part: Part, first_word: int, last_word: int) -> Iterator[tuple[int, Word]]:
    """Yield the words of a part that have these numbers."""
    words = (word for segment in part.segments for word in segment.words)
    numbered = zip(words_of(part), words, strict=True)
    return ((number, word) for number, word in numbered if first_word <= number <= last_word)


def _after(desk: Desk, record_id: int, first_word: int, last_word: int) -> Changed:
    """Return the passages of the segments with some words, as they are now."""
    record = desk.store.records.get(record_id)
    parts = desk.store.parts
    first, last = parts.place_of(record_id, first_word), parts.place_of(record_id, last_word)
    if first is None or last is None:
        return Changed([], reading.version(desk, record))
    some = reading.stored(desk, record, first, last - first + 1)
    return Changed([shown for _, shown in some], reading.version(desk, record))
