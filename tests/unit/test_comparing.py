"""Texts are compared as words, with numbers as words or digits alike."""

from __future__ import annotations

import pytest

from bench.comparing import compared
from bench.confidence import Judged, by_band, judged
from bench.mistakes import Mistakes, between, total


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("eight", "8"),
        ("zero eight three one", "0831."),
        ("one two three", "1 2 3"),
        ("one two three", "1, 2, 3"),
        ("one two", "12"),
        ("twelve", "12"),
        ("two thirty p.m.", "2:30 pm"),
        ("three point five", "3.5"),
        ("two hundred dollars", "$200"),
        ("nine o'clock", "9 o'clock"),
        ("mister Smith won't, um, go", "Mr. Smith will not go."),
    ],
)
def test_numbers_as_words_and_as_digits_are_equal(said: str, written: str) -> None:
    assert compared(said) == compared(written)
    assert compared(said)


@pytest.mark.parametrize(("said", "written"), [("eight", "9"), ("fifteen", "50"), ("zero eight", "8")])
def test_other_numbers_stay_different(said: str, written: str) -> None:
    assert compared(said) != compared(written)


def test_missing_added_and_wrong_words_are_counted() -> None:
    found = between(compared("give me your hands please"), compared("You give me her hands"))
    assert found == Mistakes(words=5, deleted=1, inserted=1, substituted=1)
    assert found.rate == pytest.approx(0.6)


def test_a_text_without_words_loses_all_of_them_and_nothing_said_has_a_rate_too() -> None:
    assert between(("yes",), ()) == Mistakes(1, deleted=1)
    assert between((), ("thank", "you")).rate == 2
    assert total([Mistakes(3, 1, 0, 0), Mistakes(4, 0, 2, 1)]) == Mistakes(7, 1, 2, 1)


def test_each_shown_word_is_right_or_wrong_however_its_number_is_written() -> None:
    words = [(" Um,", 0.2), (" 08", 0.95), ("31", 0.6), (" twenty", 0.75), (" one", 0.9), (" no.", 0.5)]
    found = judged("zero eight three one twenty one yes", words)
    assert found == [
        Judged(0.95, True),
        Judged(0.6, True),
        Judged(0.75, True),
        Judged(0.9, True),
        Judged(0.5, False),
    ]
    assert by_band(found) == {"0.9 or more": (2, 2), "0.7 to 0.9": (1, 1), "below 0.7": (2, 1)}
