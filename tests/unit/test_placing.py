"""A person's overlay finds its words in another transcript of the same audio."""

from __future__ import annotations

import itertools

import pytest

from shared.store.placing import CORRECTION, LABEL, Overlaid, Place, Places, Unplaced, lifted
from shared.words import Word

OLD = "I spoke with Aida loveless about the engine and about the weather today"
EVERY_MS = 400


def words(text: str, first_ms: int = 0, every_ms: int = EVERY_MS) -> list[Word]:
    starts = (first_ms + every_ms * n for n in itertools.count())
    return [
        Word(start, start + every_ms - 50, f" {it}", 0.9)
        for start, it in zip(starts, text.split(), strict=False)
    ]


def off(first: int, last: int, text: str, kind: str = CORRECTION) -> Unplaced:
    found = lifted(words(OLD), first, last, Overlaid(kind, text, 1.0))
    assert found
    return found


AIDA = off(3, 4, "Ada Lovelace")


@pytest.mark.parametrize(
    ("new", "place"),
    [
        (OLD, Place(3, 4)),
        ("I spoke with Ada loveless about the engine", Place(3, 4)),
        ("I spoke with Aida, Lovelace about the engine", Place(3, 4)),
        ("I spoke with Eyda about the engine", Place(3, 3)),
        ("Yes I spoke with a the love lace about the engine", Place(4, 7)),
        ("He talked to Ada Lovelace", Place(3, 4)),
        ("I spoke with eye dull less a bout the", Place(3, 4)),
        ("I spoke with about the engine", None),
        ("nothing of all this was ever heard here", None),
        ("", None),
    ],
)
def test_a_correction_stands_over_what_is_heard_in_its_place(new: str, place: Place | None) -> None:
    assert Places(words(new)).find(AIDA) == place


def test_times_that_differ_by_some_tenths_make_no_difference() -> None:
    for shift_ms in (-400, -200, 200, 400):
        overlay = lifted(words(OLD, 1000), 3, 4, Overlaid(CORRECTION, "Ada Lovelace", 1.0))
        assert overlay
        assert Places(words(OLD, first_ms=1000 + shift_ms)).find(overlay) == Place(3, 4)


def test_the_same_words_at_another_time_are_not_its_place() -> None:
    assert Places(words(OLD, first_ms=60_000)).find(AIDA) is None
    assert Places(words(OLD, first_ms=2500)).find(AIDA) is None


def test_a_repeated_word_is_told_apart_by_its_neighbours() -> None:
    text = "no no I said no and then no again"
    old = words(text)
    for number in (0, 1, 4, 7):
        overlay = lifted(old, number, number, Overlaid(CORRECTION, "know", 1.0))
        assert overlay
        assert Places(words(text, first_ms=150)).find(overlay) == Place(number, number)


def test_a_first_and_a_last_word_have_neighbours_on_one_side_alone() -> None:
    first, last = off(0, 0, "We"), off(12, 12, "tonight")
    new = OLD.replace("I spoke", "Eye spoke").replace("today", "to-day")
    assert Places(words(new)).find(first) == Place(0, 0)
    assert Places(words(new)).find(last) == Place(12, 12)


def test_words_that_were_taken_away_and_are_gone_have_no_place() -> None:
    taken = off(8, 12, "")
    assert Places(words("I spoke with Aida loveless about the engine")).find(taken) is None


@pytest.mark.parametrize("new", [OLD, OLD.replace("loveless about", "Lovelace of"), "x " * 13])
def test_a_label_of_a_passage_stays_at_its_time_whatever_is_heard_there(new: str) -> None:
    assert Places(words(new)).find(off(3, 9, "them", LABEL)) == Place(3, 9)


def test_a_label_of_one_short_word_does_not_go_to_another_word() -> None:
    assert Places(words("x " * 13)).find(off(3, 3, "them", LABEL)) is None


def test_thousands_of_overlays_are_placed_in_a_transcript_of_hours() -> None:
    text = " ".join(f"w{n}" for n in range(20_000))
    old = words(text)
    places = Places(words(text, first_ms=100))
    for number in range(0, 20_000, 20):
        overlay = lifted(old, number, number, Overlaid(CORRECTION, "x", 1.0))
        assert overlay
        assert places.find(overlay) == Place(number, number)
