"""Times what a desk asks of a large database: counts, pages of a list, searches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from bench.archive import vocabulary
from bench.looks import milliseconds
from bench.scale import Figure
from shared.store.listing import Wanted
from shared.store.narrowing import Narrowing
from shared.store.store import Store
from shared.store.transitions import COMPLETED, FAILED
from shared.store.view import View

GOAL_MS = 150.0
LIMIT = 20
PAGE = 100
#: Persons by the number of their calls: the most, the middle, the fewest.
BUSY, USUAL, RARE = 1, 100, 1_000

Asked = Iterator[tuple[str, Callable[[], object]]]


def counts_and_lists(store: Store, times: int) -> list[Figure]:
    """Time the counts by state, and pages of the list."""
    return _timed([*_counts(store), *_lists(store)], times)


def searches(store: Store, times: int) -> list[Figure]:
    """Time searches by words in all calls, and in those of one person."""
    found = _timed(_searches(store), times)
    for owner, whose in ((BUSY, "busiest"), (USUAL, "usual"), (RARE, "least busy")):
        seen = store.seen_by(View(owner_id=owner))
        found += _timed(_searches(seen, f", of the {whose} person"), times)
    return found


def _counts(store: Store) -> Asked:
    yield "counts of all calls", store.records.counts
    for owner in (BUSY, USUAL):
        yield f"counts of person {owner}", store.seen_by(View(owner_id=owner)).records.counts
    yield "counts of the list", store.listing.counts


def _lists(store: Store) -> Asked:
    total = store.listing.page(Wanted(), limit=1).total
    pages = (("first", 0), ("in the middle", total // 2), ("last", total - PAGE))
    for name, offset in pages:
        yield f"list, page {name}", partial(store.listing.page, Wanted(), offset=offset, limit=PAGE)
    for state in (COMPLETED, FAILED):
        yield f"list, {state} ones", partial(store.listing.page, Wanted(status=state), limit=PAGE)
    yield "list, the oldest", partial(store.listing.page, Wanted(), sort="created_at", limit=PAGE)
    yield "list, by title", partial(store.listing.page, Wanted(), sort="title", limit=PAGE)
    for owner in (BUSY, USUAL):
        seen = store.seen_by(View(owner_id=owner)).listing
        total = seen.page(Wanted(), limit=1).total
        yield f"list of person {owner} ({total:,} calls), first", partial(seen.page, Wanted(), limit=PAGE)
        yield (
            f"list of person {owner}, in the middle",
            partial(seen.page, Wanted(), offset=total // 2, limit=PAGE),
        )
    yield from _lists_by_words(store)
    yield "newest 20 records", partial(store.records.newest, LIMIT)


def _lists_by_words(store: Store) -> Asked:
    asked = {
        "a word in one title": "777777",
        "a word in every title": "call",
        "a word in every file's name": "wav",
        "words in many": "call 12",
        "a word of errors": "empty",
        "a candidate": "C-8204",
        "a letter in most": "7",
        "a letter in none": "ö",
        "two letters in none": "zq",
        "a word in none": "Zwetschgenmann",
    }
    for name, typed in asked.items():
        yield f"list, {name} (`{typed}`)", partial(store.listing.page, Wanted(text=typed), limit=PAGE)
        yield f"counts, {name} (`{typed}`)", partial(store.listing.counts, typed)
    for typed in ("777777", "empty"):
        yield f"all numbers of a list (`{typed}`)", partial(store.listing.ids, Wanted(text=typed))
    for owner in (BUSY, USUAL):
        seen = store.seen_by(View(owner_id=owner)).listing
        for typed in ("777777", "call"):
            yield f"list of person {owner} (`{typed}`)", partial(seen.page, Wanted(text=typed), limit=PAGE)


def _searches(store: Store, whose: str = "") -> Asked:
    words = vocabulary()
    asked = {
        "a common word": words[0],
        "a frequent word": words[80],
        "a middle word": words[2_000],
        "a rare word": words[-1],
        "a name said once": "Name400001x",
        "a word that nobody said": "Zwetschgenmann",
        "two common words": f"{words[0]} {words[1]}",
        "a common and a rare word": f"{words[0]} {words[-1]}",
        "two words that seldom meet": f"{words[800]} {words[801]}",
        "two rare words": f"{words[-1]} {words[-2]}",
        "a phrase of two common words": f"{words[5]}-{words[0]}",
        "a phrase of two words that seldom meet": f"{words[100]}-{words[101]}",
        "a beginning of two letters": "th*",
        "a beginning of three letters": "com*",
        "a long beginning": "experie*",
        "a beginning of names": "name4000*",
        "two beginnings": "wh* th*",
        "a beginning and a rare word": f"th* {words[-1]}",
        "a beginning that nobody said": "zwetsch*",
    }
    for name, typed in asked.items():
        hits = len(store.search.find(typed, LIMIT))
        ask = partial(store.search.find, typed, LIMIT)
        yield f"search{whose}: {name} (`{typed}`, {hits} of at most {LIMIT} hits)", ask
    if not whose:
        narrowed = Narrowing(candidate_id="C-17")
        yield (
            f"search: a common word of a candidate (`{words[0]}`)",
            partial(store.search.find, words[0], LIMIT, narrowed),
        )


def _timed(asked: Asked | list[tuple[str, Callable[[], object]]], times: int) -> list[Figure]:
    return [Figure(name, milliseconds(times, ask), GOAL_MS) for name, ask in asked]
