"""Loops of a model are found in its text, and not where a person repeats something."""

from __future__ import annotations

import pytest

from bench.loops import loops

SENTENCE = "I think that this is the case"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no no", []),
        ("No, no, no.", ["no"]),
        ("I am. I am. I am.", ["i am"]),
        ("so so so we go, we go, we go on", ["so", "we go"]),
        (f"{SENTENCE}. " * 5, [SENTENCE.lower()]),
        (f"{SENTENCE}. " * 2, []),
        (" ".join(f"w{number}" for number in range(40)) + " ", []),
        ("", []),
    ],
)
def test_a_phrase_three_times_in_a_row_is_one_loop(text: str, found: list[str]) -> None:
    assert loops(text) == found


def test_a_phrase_of_40_words_is_found_and_a_longer_one_is_not_looked_for() -> None:
    forty, longer = (" ".join(f"w{number}" for number in range(count)) for count in (40, 41))
    assert loops(f"{forty} {forty} {forty}") == [forty]
    assert loops(f"{longer} {longer} {longer}") == []


def test_what_the_speaker_repeats_is_no_loop_however_it_is_written() -> None:
    assert loops("8 8 8, and no, no, no", "eight eight eight and no no no") == []
    assert loops("8 8 8, and no, no, no", "eight eight eight and no") == ["no"]
