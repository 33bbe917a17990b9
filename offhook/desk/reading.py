"""A transcript as a page reads it: its outline, and windows of passages. A whole call is never read at once.

While a record is being transcribed, it is what is decoded so far. The unit is the segment in stored order,
from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from archive import transcript
from archive.names import names_of
from archive.passages import Passage, by_segment, plain
from offhook.desk.desk import Desk
from shared.reading import Token as SpokenToken
from shared.store.drafts import Draft
from shared.store.parts import Part
from shared.store.transcripts import Glimpse
from shared.store.transitions import COMPLETED
from shared.store.values import Record
from shared.words import Word, numbered

MOST_SEGMENTS = 500
#: How often a window is read again that was changed while it was read.
TRIES = 3

#: First word, last word, start and end in ms, offset and length in UTF-16 units of the passage's text, the
#: probability of the word (None for a person's text), and 1 if a person wrote it, 2 if one said that it is
#: right, else 0.
Token = tuple[int, int, int, int, int, int, float | None, int]


@dataclass(frozen=True)
class Outline:
    """The start and the characters of each segment; `version` changes with anything that is read."""

    version: str
    words: int
    segments: list[tuple[int, int]]


@dataclass(frozen=True)
class ShownPassage:
    """A passage as a page shows it. `version` changes with its words, its text and its speaker.

    `draft` is a text that a person was typing for it, `draft_base` the version that the typing began with,
    and `draft_made_at` when it was typed, in seconds since 1970. `first_word` is None if the words have no
    times, so that it cannot be changed.
    """

    segment: int
    first_word: int | None
    last_word: int | None
    start_ms: int
    end_ms: int
    speaker: str | None
    name: str | None
    probability: float | None
    is_doubtful: bool
    doubts: tuple[str, ...]
    version: str
    text: str
    tokens: list[Token]
    draft: str | None = None
    draft_base: str | None = None
    draft_made_at: float | None = None


@dataclass(frozen=True)
class Window:
    """The passages of the segments from `first` on; `total` is the number of segments."""

    version: str
    first: int
    total: int
    passages: list[ShownPassage]


def outline(desk: Desk, record_id: int) -> Outline:
    """Return how long a transcript is and where its segments begin. Raises RecordNotFound."""
    record = desk.store.records.get(record_id)
    now = version(desk, record)
    if found := so_far(desk, record):
        words = sum(it.words for it in found)
    else:
        found, words = desk.store.parts.outline(record_id), desk.store.parts.words(record_id)
    return Outline(now, words, [(it.start_ms, it.characters) for it in found])


def window(desk: Desk, record_id: int, first: int, count: int) -> Window:
    """Return the passages of some segments. Raises RecordNotFound."""
    first, count = max(0, first), min(max(0, count), MOST_SEGMENTS)
    for left in reversed(range(TRIES)):
        record = desk.store.records.get(record_id)
        before = version(desk, record)
        if found := so_far(desk, record):
            shown = [it for _, it in _decoded(desk, record, found, first, count)]
            total = len(found)
        else:
            shown = [it for _, it in stored(desk, record, first, count)]
            total = desk.store.parts.count(record_id)
        if not left or version(desk, record) == before:
            break
    return Window(before, first, total, shown)


def version(desk: Desk, record: Record) -> str:
    """Return what changes with anything that is read in a transcript."""
    change = desk.store.changes.of_record(record.id)
    names = (record.title, record.candidate_id, desk.settings.my_name)
    told = (change.words_seq if change else 0, *names)
    return sha256(repr(told).encode("utf-8", "replace")).hexdigest()[:12]


def so_far(desk: Desk, record: Record) -> list[Glimpse]:
    """Return what is decoded of a record that is being transcribed; nothing if its transcript is stored."""
    is_done = record.transcription_status == COMPLETED
    return [] if is_done else desk.store.transcripts.glimpses(record.id)


def stored(desk: Desk, record: Record, first: int, count: int) -> Iterator[tuple[Passage, ShownPassage]]:
    """Yield the passages of some segments of a finished transcript, with drafts."""
    part = desk.store.parts.of_segments(record.id, first, count)
    names = names_of(desk.store, record, desk.settings.my_name)
    drafts = {it.first_word: it for it in desk.store.drafts.of_record(record.id)}
    for place, found in by_segment(transcript.of_part(record, part, names)):
        if first <= part.place + place < first + count:
            for passage in found:
                shown = _shown(part.place + place, passage)
                yield passage, _with_draft(shown, drafts.get(passage.first_word or 0), record)


def at_word(desk: Desk, record: Record, word: int) -> list[tuple[Passage, ShownPassage]]:
    """Return the passages of the segment that has a word; none if there is no such word."""
    place = desk.store.parts.place_of(record.id, word)
    return [] if place is None else list(stored(desk, record, place, 1))


def orphans(desk: Desk, record: Record) -> list[Draft]:
    """Return the drafts whose passages are gone, such as those of an earlier transcript."""

    def is_shown(draft: Draft) -> bool:
        found = (it for _, it in at_word(desk, record, draft.first_word))
        return any(it.first_word == draft.first_word and it.draft is not None for it in found)

    return [draft for draft in desk.store.drafts.of_record(record.id) if not is_shown(draft)]


def _decoded(
    desk: Desk, record: Record, found: list[Glimpse], first: int, count: int
) -> Iterator[tuple[Passage, ShownPassage]]:
    segments = desk.store.transcripts.decoded(found[first : first + count])
    begin = sum(it.words for it in found[:first])
    part = Part(first, numbered(segments, begin))
    for place, passages in by_segment(transcript.of_part(record, part, {})):
        yield from ((passage, _shown(first + place, passage)) for passage in passages)


def _shown(segment: int, passage: Passage) -> ShownPassage:
    has_words = passage.first_word is not None
    text = "".join(token.text for token in passage.tokens).strip() if has_words else passage.text.strip()
    words = (passage.first_word, passage.last_word)
    said = sha256(repr((words, passage.speaker, text)).encode("utf-8", "replace")).hexdigest()[:8]
    return ShownPassage(
        segment,
        *words,
        passage.start_ms,
        passage.end_ms,
        passage.speaker,
        passage.name,
        passage.probability,
        passage.is_doubtful,
        passage.doubts,
        said,
        encodable(text),
        list(_tokens(passage)) if has_words else [],
    )


def _with_draft(shown: ShownPassage, draft: Draft | None, record: Record) -> ShownPassage:
    """Add a draft, unless it was typed for words that were replaced since."""
    if draft is None or shown.first_word is None:
        return shown
    is_of_these_words = draft.made_at >= (record.completed_at or 0.0) or draft.base == shown.version
    if not is_of_these_words:
        return shown
    return replace(shown, draft=draft.text, draft_base=draft.base, draft_made_at=draft.made_at)


def _tokens(passage: Passage) -> Iterator[Token]:
    """Yield the tokens with their places in the passage's text, which has no space around it."""
    said = "".join(token.text for token in passage.tokens)
    begin, end = units(said[: len(said) - len(said.lstrip())]), units(said.rstrip())
    at = 0
    for it in passage.tokens:
        bare = it.text.strip()
        offset = at + units(it.text[: len(it.text) - len(it.text.lstrip())]) if bare else at
        at += units(it.text)
        word = passage.words[it.first_word - (passage.first_word or 0)]
        place = min(max(offset, begin), max(begin, end)) - begin
        probability = None if it.is_corrected else word.probability
        times = (it.start_ms, it.end_ms)
        yield (
            it.first_word,
            it.last_word,
            *times,
            place,
            units(bare),
            probability,
            _said_by_person(it, bare, word),
        )


def _said_by_person(token: SpokenToken, bare: str, word: Word) -> int:
    """Say what a person has said of a word: 0 nothing, 1 another text, 2 that it is right."""
    if not token.is_corrected:
        return 0
    is_same = token.first_word == token.last_word and bare == plain(word.text)
    return 2 if is_same else 1


def units(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as JavaScript counts."""
    return len(text) if text.isascii() else len(text) + sum(sign > "\uffff" for sign in text)


def encodable(text: str) -> str:
    """Return a text without lone surrogates, which only a damaged database has; as long as before."""
    return (
        text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    )
