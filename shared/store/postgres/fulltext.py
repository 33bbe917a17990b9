"""The full-text index in PostgreSQL: a table with the words of each segment, and searches in it.

The newest matches are wanted, and the index (GIN) gives all matches in the order of the table: of a common
word, that is millions. So each segment also has the names of the ranges in which its number lies, as if they
were words of it. A search asks for its words within the newest small range, then within larger ones, until it
has enough. The index intersects the lists of the words and of the range, and reads little of the long ones.

The person whose call it is has a name in the index as well, so that a search of one person's calls reads
little of those of others. A record never changes its owner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from math import inf
from typing import Any

from shared.store.narrowing import Narrowing, SaidBy
from shared.store.postgres import list_words
from shared.store.postgres.time_ranges import bounds
from shared.store.words_index import Query, Term, index_words

TABLE, COLUMNS, INDEX = "segments_search", ("segment_id", "words"), "segments_search_words"
#: What is vacuumed when rows were deleted: tables with words of calls.
TABLES_WITH_WORDS = (
    *("call_records", list_words.TABLE, "segments", TABLE, "decoded_windows", "live_windows", "corrections"),
)
#: `fastupdate` would let searches read a list of what is not in order yet.
SCHEMA = (
    f"""CREATE TABLE {TABLE} (
        segment_id bigint PRIMARY KEY REFERENCES segments (id) ON DELETE CASCADE,
        words tsvector NOT NULL
    )""",
    f"CREATE INDEX {INDEX} ON {TABLE} USING gin (words) WITH (fastupdate = off)",
)
#: Numbers in a range of each size, as bits. A range of the next size has 16 of one.
RANGE_BITS = (12, 16, 20, 24)
#: PostgreSQL takes no longer words, in bytes, and no later places.
LONGEST_WORD, LAST_PLACE = 2000, 16_383
#: With more recordings, one search through all matches is faster than one through all their segments.
FEW_RECORDS = 2500
#: For the beginning of a word, the index collects all matches of all words that begin so, before it looks at
#: anything else. Instead, what the owner and the whole words of a search leave in a range is looked at, up to
#: so many segments; without those, each segment is, in ranges of up to so many bits.
MOST_LOOKED_AT, WALKED_BITS = 60_000, 16
ROWS_AT_ONCE = 500

_TEXTS = """
    SELECT id, coalesce(search_text, text), (SELECT owner_id FROM call_records WHERE id = record_id)
    FROM segments WHERE {condition} ORDER BY id"""
_ADD = f"""
    INSERT INTO {TABLE} (segment_id, words)
    SELECT id, words::tsvector FROM unnest(%s::bigint[], %s::text[]) AS made (id, words)
    ON CONFLICT (segment_id) DO UPDATE SET words = excluded.words"""
REMOVE = f"DELETE FROM {TABLE} WHERE segment_id IN (SELECT id FROM segments WHERE record_id = %s)"
REMOVE_SOME = f"DELETE FROM {TABLE} WHERE segment_id = ANY(%s)"
RECORDS = f"""
    SELECT DISTINCT s.record_id FROM {TABLE} f JOIN segments s ON s.id = f.segment_id
    WHERE f.words @@ %s::tsquery"""

_SHOWN = "r.id, r.title, s.start_seconds, s.end_seconds, coalesce(s.corrected_text, s.text), s.id"
#: `IS TRUE` keeps a condition from the indexes: one for numbers would read all that it has of a range.
_INDEXED, _LOOKED_AT = "words @@ %s::tsquery", "(words @@ %s::tsquery) IS TRUE"
_BETWEEN = "(segment_id >= %s AND segment_id < %s) IS TRUE"
_HOW_MANY = f"SELECT count(*) FROM {TABLE} WHERE {{matches}} AND {_BETWEEN}"
#: The matches are found first, then looked at one by one, the newest first, until there are enough: without
#: MATERIALIZED and OFFSET a plan may walk through all segments in their order.
_MATCHES = f"""
    WITH found AS MATERIALIZED (SELECT segment_id FROM {TABLE} WHERE {{matches}} AND {_BETWEEN})
    SELECT {_SHOWN} FROM (SELECT segment_id FROM found ORDER BY segment_id DESC) f
    JOIN LATERAL (SELECT * FROM segments WHERE id = f.segment_id OFFSET 0) s ON true
    JOIN LATERAL (SELECT * FROM call_records WHERE id = s.record_id OFFSET 0) r ON true
    WHERE true {{conditions}} ORDER BY f.segment_id DESC LIMIT %s"""
#: `IS TRUE` keeps the plan from the index of words, and OFFSET from sorting what is in order.
_WALKED = f"""
    SELECT {_SHOWN} FROM (
        SELECT segment_id FROM {TABLE}
        WHERE (words @@ %s::tsquery) IS TRUE AND segment_id >= %s AND segment_id < %s
        ORDER BY segment_id DESC OFFSET 0
    ) f
    JOIN LATERAL (SELECT * FROM segments WHERE id = f.segment_id OFFSET 0) s ON true
    JOIN LATERAL (SELECT * FROM call_records WHERE id = s.record_id OFFSET 0) r ON true
    WHERE true {{conditions}} ORDER BY f.segment_id DESC LIMIT %s"""
#: The newest of their segments are looked at first, until there are enough.
_IN_RECORDS = f"""
    WITH mine AS MATERIALIZED (SELECT id FROM segments WHERE record_id = ANY(%s) AND id < %s)
    SELECT {_SHOWN} FROM (SELECT id FROM mine ORDER BY id DESC OFFSET 0) m
    JOIN LATERAL (
        SELECT words FROM {TABLE} WHERE segment_id = m.id AND (words @@ %s::tsquery) IS TRUE OFFSET 0
    ) f ON true
    JOIN LATERAL (SELECT * FROM segments WHERE id = m.id OFFSET 0) s ON true
    JOIN LATERAL (SELECT * FROM call_records WHERE id = s.record_id OFFSET 0) r ON true
    WHERE true {{conditions}} ORDER BY m.id DESC LIMIT %s"""
_NARROWED = "SELECT r.id FROM call_records r WHERE true {conditions} LIMIT %s"
_NEWEST = f"SELECT max(segment_id) FROM {TABLE}"
_SPEAK = "SELECT DISTINCT record_id FROM speaker_labels WHERE speaker = ANY(%s) LIMIT %s"
#: Whether one of some speakers may have said a part of a segment: by the label that stands where it begins,
#: by one that begins inside, or by a person's that began earlier.
_SAID = """
    AND (
        (
            SELECT l.speaker FROM speaker_labels l
            WHERE l.record_id = s.record_id AND l.first_word <= s.first_word AND l.source <> 'person'
            ORDER BY l.first_word DESC LIMIT 1
        ) = ANY(%s)
        OR EXISTS (
            SELECT 1 FROM speaker_labels l
            WHERE l.record_id = s.record_id AND l.first_word > s.first_word
                AND l.first_word < coalesce(
                    (
                        SELECT n.first_word FROM segments n
                        WHERE n.record_id = s.record_id AND n.id > s.id ORDER BY n.id LIMIT 1
                    ),
                    9223372036854775807
                )
                AND l.speaker = ANY(%s)
        )
        OR EXISTS (
            SELECT 1 FROM speaker_labels l
            WHERE l.record_id = s.record_id AND l.source = 'person' AND l.first_word <= s.first_word
                AND l.last_word >= s.first_word AND l.speaker = ANY(%s)
        )
    )"""

Read = Callable[[str, tuple[Any, ...]], list[Any]]
Write = Callable[[str, tuple[Any, ...]], object]
#: A statement and its values; conditions for records and how many to return are still missing.
_Way = tuple[str, tuple[Any, ...]]


def add(read: Read, write: Write, condition: str, value: Any) -> None:
    """Add the segments for which a condition is true to the index."""
    rows = read(_TEXTS.format(condition=condition), (value,))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        write(_ADD, ([number for number, *_ in some], [vector(*row) for row in some]))


def vector(number: int, text: str, owner_id: int | None) -> str:
    """Return the words of a segment with their places, its owner and ranges, as PostgreSQL reads them."""
    places: dict[str, list[str]] = {}
    for place, word in enumerate(index_words(text), 1):
        places.setdefault(word, []).append(str(min(place, LAST_PLACE)))
    words = [f"'{word}':{','.join(found)}" for word, found in places.items() if _is_short(word)]
    return " ".join([*words, *_owner(owner_id), *(_range(number, bits) for bits in RANGE_BITS)])


def expression(query: Query) -> str:
    """Write a query for PostgreSQL; its words have letters and digits alone, so that none is an operator."""
    return " & ".join(_term(term) for term in query.terms)


def find(read: Read, query: Query, limit: int, narrowing: Narrowing, before_id: int) -> list[Any]:
    """Return rows of segments that match, the newest first, with numbers below `before_id`."""
    wanted = expression(query)
    if not wanted or limit <= 0:
        return []
    only_in = _only_in(read, narrowing.said)
    narrowed, values = _of_records(narrowing, only_in)
    said, speakers = _of_speakers(narrowing)
    conditions, asked = narrowed + said, (*values, *speakers)
    if _of_records(replace(narrowing, owner_id=None), only_in)[0]:
        records = [
            number for (number,) in read(_NARROWED.format(conditions=narrowed), (*values, FEW_RECORDS + 1))
        ]
        if len(records) <= FEW_RECORDS:
            statement = _IN_RECORDS.format(conditions=conditions)
            return read(statement, (records, before_id, wanted, *asked, limit))
    found: list[Any] = []
    first, end = bounds(read, narrowing, _end(read, before_id))
    for statement, place in _ways(read, query, narrowing.owner_id, first, end):
        limited = (*place, *asked, limit - len(found))
        found += read(statement.format(conditions=conditions), limited)
        if len(found) >= limit:
            break
    return found


def _ways(read: Read, query: Query, owner_id: int | None, first: int, end: int) -> Iterator[_Way]:
    """Yield what finds the matches of one range after another, the newest first.

    The index intersects the lists of several conditions faster than those of one with several words, if rare
    words come first; a longer word is more often a rare one. Of the list of a large range it reads little if
    that comes last.
    """
    whole = [_term(term) for term in query.terms if not term.is_prefix]
    beginnings = [_term(term) for term in query.terms if term.is_prefix]
    quick = [*_owner(owner_id), *sorted(whole, key=len, reverse=True)]
    if beginnings:
        yield from _ways_to_beginnings(read, quick, beginnings, first, end)
        return
    for bits, begin, stop in _ranges(first, end):
        place = [_range(begin, bits)]
        yield _matches(quick + place if bits == RANGE_BITS[-1] else place + quick, [], begin, stop)


def _ways_to_beginnings(
    read: Read, quick: list[str], beginnings: list[str], first: int, end: int
) -> Iterator[_Way]:
    """Do so for words that begin in some way, in segments that the index finds by other words, if any.

    If those are few in a range, each is looked at; `reach` is the largest range for that. If they are many, a
    beginning with too few matches so far is a rare one, and its list in the index is short.
    """
    reach = inf if quick else 0.0
    for bits, begin, stop in _ranges(first, end):
        indexed = [_range(begin, bits), *quick]
        if bits == RANGE_BITS[-1] and not stop - begin <= reach < stop - first:
            begin, indexed = first, quick  # all the rest at once
        if stop - begin <= reach:
            yield _matches(indexed, beginnings, begin, stop)
        elif bits <= WALKED_BITS:
            yield _WALKED, (" & ".join(quick + beginnings), begin, stop)
        else:
            yield _matches(indexed + beginnings, [], begin, stop)
        if begin == first:
            return
        if stop - begin <= reach and bits < RANGE_BITS[-1]:
            count = _how_many(read, indexed, begin, stop)
            reach = MOST_LOOKED_AT * (stop - begin) / (count or 1)


def _matches(indexed: list[str], looked_at: list[str], begin: int, stop: int) -> _Way:
    conditions = " AND ".join([_INDEXED] * len(indexed) + [_LOOKED_AT] * len(looked_at))
    return _MATCHES.replace("{matches}", conditions), (*indexed, *looked_at, begin, stop)


def _how_many(read: Read, indexed: list[str], begin: int, stop: int) -> int:
    statement = _HOW_MANY.format(matches=" AND ".join([_INDEXED] * len(indexed)))
    ((count,),) = read(statement, (*indexed, begin, stop))
    return int(count)


def _end(read: Read, before_id: int) -> int:
    ((newest,),) = read(_NEWEST, ())
    return min(before_id, (newest or 0) + 1)


def _ranges(first: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the ranges of numbers in which to look, the newest first and ever larger: their bits and ends."""
    sizes = iter(RANGE_BITS)
    bits = next(sizes)
    while end > first:
        begin = (end - 1) >> bits << bits
        yield bits, max(first, begin), end
        end, bits = begin, next(sizes, RANGE_BITS[-1])


def _range(number: int, bits: int) -> str:
    """Name the range of a size in which a number lies. No word of a text has a slash."""
    return f"'/{bits}/{number >> bits:x}'"


def _owner(owner_id: int | None) -> list[str]:
    """Name the person whose call it is, if there is one."""
    return [] if owner_id is None else [f"'/o/{owner_id:x}'"]


def _of_records(narrowing: Narrowing, only_in: list[int] | None) -> tuple[str, tuple[Any, ...]]:
    found = [(f"{condition} %s", value) for condition, value in narrowing.of_records()]
    if only_in is not None:
        found.append(("r.id = ANY(%s)", only_in))
    return "".join(f" AND {text}" for text, _ in found), tuple(value for _, value in found)


def _only_in(read: Read, said: SaidBy | None) -> list[int] | None:
    """Return the only records that can answer, if they are known or few; otherwise None."""
    if said is None:
        return None
    speak: list[Any] = []
    if said.everywhere:
        speak = read(_SPEAK, (sorted(said.everywhere), FEW_RECORDS + 1))
        if len(speak) > FEW_RECORDS:
            return None
    return sorted({*said.in_records, *(record_id for (record_id,) in speak)})


def _of_speakers(narrowing: Narrowing) -> tuple[str, tuple[Any, ...]]:
    if narrowing.said is None:
        return "", ()
    return _SAID, (sorted(narrowing.said.speakers),) * 3


def _term(term: Term) -> str:
    return f"({' | '.join(_phrase(index_words(it), term.is_prefix) for it in term.spellings)})"


def _phrase(words: Iterable[str], is_prefix: bool) -> str:
    quoted = [f"'{word}'" for word in words if _is_short(word)]
    if quoted and is_prefix:
        quoted[-1] += ":*"
    return f"({' <-> '.join(quoted)})" if quoted else "'/'"


def _is_short(word: str) -> bool:
    return len(word.encode()) <= LONGEST_WORD
