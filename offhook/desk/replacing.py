"""Replaces words everywhere they were said: what would change, and the change itself."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, groupby

from archive.passages import plain
from offhook.desk.changes import changed, stored
from offhook.desk.desk import Desk
from offhook.desk.passage_edits import require_stored
from offhook.desk.rewording import Rewording
from offhook.desk.speech import require_words
from shared.errors import RecordNotFound, StateConflict
from shared.reading import Token, read
from shared.store.audit import Note
from shared.store.values import Record
from shared.store.words_index import UNSPACED

#: Characters before and after what is replaced, in a preview.
AROUND = 40
#: Between words of two speakers, so that no phrase is found across them.
_APART = "\0"
_UNSPACED_SIGN = re.compile(f"[{UNSPACED}]")


@dataclass(frozen=True)
class Place:
    """A place at which words are replaced: when it is said, and its text before and after.

    Places with the same `first_word` are replaced together.
    """

    start_ms: int
    before: str
    found: str
    new: str
    after: str
    first_word: int = 0


@dataclass(frozen=True)
class Replacement:
    """What is replaced in one recording."""

    record: Record
    places: tuple[Place, ...]
    rewordings: tuple[Rewording, ...]


def preview(desk: Desk, old: str, new: str, record_ids: Iterable[int] | None) -> Iterator[Replacement]:
    """Yield what would be replaced, by recording; in all recordings if none are given.

    Raises RecordNotFound, NothingSaid for a given recording.
    """
    everywhere = record_ids is None
    for record_id in desk.store.search.records_with(old) if everywhere else record_ids or ():
        record = desk.store.records.get(record_id)
        if not everywhere:
            require_words(desk, record)
        if (found := found_in(desk, record, old, new)).places:
            yield found


def replace(desk: Desk, found: Replacement) -> None:
    """Store a replacement as one change of its recording, and write its files again."""
    with changed(desk, found.record, "replace"):
        _lay(desk, found)


def replace_now(
    desk: Desk, record_id: int, old: str, new: str, only: Collection[int] | None = None
) -> Replacement:
    """Replace words in a recording as they are now, as one change, and leave its files to a worker.

    `only` are the first words of the places that a person has chosen; None: all. Return what was replaced.
    Raises RecordNotFound, StateConflict.
    """
    with stored(desk, record_id, "replace") as record:
        require_stored(desk, record)
        found = found_in(desk, record, old, new)
        if only is not None:
            places = tuple(it for it in found.places if it.first_word in only)
            rewordings = tuple(it for it in found.rewordings if it.first_word in only)
            found = Replacement(record, places, rewordings)
        _lay(desk, found)
    return found


def replace_everywhere(
    desk: Desk, old: str, new: str, only: Mapping[int, Collection[int]] | None = None
) -> Iterator[Replacement]:
    """Replace words in all recordings, one after another; yield what was replaced.

    `only` has the places that a person has chosen, by recording. Recordings that cannot be changed now are
    passed over.
    """
    for record_id in desk.store.search.records_with(old):
        chosen = None if only is None else only.get(record_id)
        if only is not None and not chosen:
            continue
        with suppress(RecordNotFound, StateConflict):
            with desk.noting(Note("edit", record_id, "replace everywhere")) as noting:
                found = replace_now(noting, record_id, old, new, chosen)
            if found.places:
                yield found


def found_in(desk: Desk, record: Record, old: str, new: str) -> Replacement:
    """Return what would be replaced in a recording; reads only the segments that have such words."""
    places: list[Place] = []
    rewordings: list[Rewording] = []
    for tokens in _tokens_with(desk, record, old):
        some = replaced(tokens, old, new)
        places += some[0]
        rewordings += some[1]
    return Replacement(record, tuple(places), tuple(rewordings))


def _lay(desk: Desk, found: Replacement) -> None:
    for it in found.rewordings:
        desk.store.overlays.correct(found.record.id, it.first_word, it.last_word, it.text)


def _tokens_with(desk: Desk, record: Record, old: str) -> Iterator[list[Token]]:
    """Yield the tokens of the segments that have words, with the segments beside them, in order."""
    for places in _near(desk.store.parts.texts(record.id), old):
        part = desk.store.parts.of_segments(record.id, places.start, len(places))
        tokens = read(part.segments, part.labels, part.corrections)
        yield [it for it in tokens if it.last_word >= it.first_word and part.place + it.segment in places]


def _near(texts: Sequence[str], old: str) -> list[range]:
    """Return the places of the texts that have words, and of those beside them."""
    starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
    pattern = _pattern(old)
    found: list[range] = []
    for match in pattern.finditer(" ".join(texts)) if pattern else ():
        begin = max(0, bisect_right(starts, match.start()) - 2)
        end = min(len(texts), bisect_left(starts, match.end()) + 1)
        if found and begin <= found[-1].stop:
            found[-1] = range(found[-1].start, max(end, found[-1].stop))
        else:
            found.append(range(begin, end))
    return found


def replaced(tokens: Sequence[Token], old: str, new: str) -> tuple[tuple[Place, ...], tuple[Rewording, ...]]:
    """Find words as whole words, whatever their case, and replace them."""
    text, spans = _joined(tokens)
    pattern = _pattern(old)
    matches = pattern.finditer(text) if pattern else ()
    places: list[Place] = []
    rewordings: list[Rewording] = []
    done = -1
    for (first, last), some in groupby(matches, key=partial(_covered, _Spans(spans))):
        if first <= done:  # it shares a token with the one before; the next run finds it
            continue
        done = last
        found = list(some)
        new_texts = [in_case(new, match[0], old) for match in found]
        at = tokens[first]
        places += [_place(at, text, *it) for it in zip(found, new_texts, strict=True)]
        said = _with(text, (spans[first][0], spans[last][1]), found, new_texts)
        rewordings.append(Rewording(tokens[first].first_word, tokens[last].last_word, plain(said)))
    return tuple(places), tuple(rewordings)


def in_case(new: str, found: str, old: str) -> str:
    """Return the new words in the case of those found, where that is not as it was typed."""
    if plain(found) == plain(old):
        return new
    letters = [sign for sign in found if sign.isalpha()]
    if len(letters) > 1 and all(sign.isupper() for sign in letters):
        return new.upper()
    if found[:1].isupper() and old[:1].islower():
        return new[:1].upper() + new[1:]
    return new


def _joined(tokens: Sequence[Token]) -> tuple[str, list[tuple[int, int]]]:
    """Return the text of all tokens, and where each stands in it."""
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    at = 0
    for before, token in zip((None, *tokens), tokens, strict=False):
        between = _between(before, token) if before else ""
        begin = at + len(between)
        at = begin + len(token.text)
        parts += [between, token.text]
        spans.append((begin, at))
    return "".join(parts), spans


def _between(before: Token, token: Token) -> str:
    if before.speaker != token.speaker:
        return _APART
    return " " if before.segment != token.segment and not token.text[:1].isspace() else ""


def _pattern(old: str) -> re.Pattern[str] | None:
    """Return a pattern for whole words; in scripts without spaces any part of a run will do."""
    words = old.split()
    if not words:
        return None
    before = "" if _UNSPACED_SIGN.match(words[0][0]) or not _is_word(words[0][0]) else r"(?<!\w)(?<!\w['’])"
    after = "" if _UNSPACED_SIGN.match(words[-1][-1]) or not _is_word(words[-1][-1]) else _NO_MORE
    return re.compile(before + r"\s+".join(map(re.escape, words)) + after, re.IGNORECASE)


#: A word goes on with letters, or with an apostrophe and letters, except the possessive s.
_NO_MORE = r"(?!\w)(?!['’](?!s\b)\w)"


def _is_word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


class _Spans:
    """Where tokens begin and end in a text."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self.begins, self.ends = [begin for begin, _ in spans], [end for _, end in spans]


def _covered(spans: _Spans, match: re.Match[str]) -> tuple[int, int]:
    """Return the first and the last token that a match touches."""
    return bisect_right(spans.ends, match.start()), bisect_left(spans.begins, match.end()) - 1


def _with(text: str, span: tuple[int, int], found: Sequence[re.Match[str]], new: Sequence[str]) -> str:
    """Return a part of a text with other words in the places that were found."""
    parts, at = [], span[0]
    for match, by in zip(found, new, strict=True):
        parts += [text[at : match.start()], by]
        at = match.end()
    return "".join([*parts, text[at : span[1]]])


def _place(token: Token, text: str, match: re.Match[str], by: str) -> Place:
    before = text[max(0, match.start() - AROUND) : match.start()].rpartition(_APART)[2]
    after = text[match.end() : match.end() + AROUND].partition(_APART)[0]
    around = _whole_words(before, at_end=True).lstrip(), _whole_words(after).rstrip()
    return Place(token.start_ms, around[0], match[0], by, around[1], token.first_word)


def _whole_words(text: str, *, at_end: bool = False) -> str:
    """Leave out the part of a word at the cut side of a text of full length."""
    if len(text) < AROUND:
        return text
    return text.partition(" ")[2] if at_end else text.rpartition(" ")[0]
