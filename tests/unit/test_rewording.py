"""From a changed text back to the words it was made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.desk.rewording import Rewording, reworded, shown
from shared.reading import Token, read
from shared.speakers import PERSON
from shared.store.overlays import Correction
from shared.words import Segment, Word, numbered


def tokens_of(text: str, corrections: tuple[Correction, ...] = (), space: str = " ") -> list[Token]:
    pieces = text.split(" ") if space else list(text)
    words = tuple(Word(100 * n, 100 * n + 90, f"{space}{it}", 0.9) for n, it in enumerate(pieces))
    return read(numbered([Segment(0, 100 * len(words), text, words)]), (), corrections)


OLD = "I spoke with Aida loveless about the engine"


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (OLD, []),
        (f"  {OLD.replace(' ', '   ')} ", []),
        (OLD.replace("Aida loveless", "Ada Lovelace"), [(3, 3, "Ada"), (4, 4, "Lovelace")]),
        (OLD.replace("loveless", "Lovelace, the Countess,"), [(4, 4, "Lovelace, the Countess,")]),
        (OLD.replace("Aida loveless", "Ada"), [(3, 4, "Ada")]),
        (OLD.replace("with ", ""), [(2, 2, "")]),
        (OLD.replace("the engine", "the big engine"), [(6, 6, "the big")]),
        (f"Yes, {OLD}", [(0, 0, "Yes, I")]),
        (f"{OLD} today", [(7, 7, "engine today")]),
        ("", [(0, 7, "")]),
        ("we never met", [(0, 7, "we never met")]),
    ],
)
def test_only_what_differs_is_corrected(new: str, expected: list[tuple[int, int, str]]) -> None:
    found = reworded(tokens_of(OLD), [new])
    assert list(found.rewordings) == [Rewording(*it) for it in expected]


def test_a_correction_of_before_is_changed_as_a_whole() -> None:
    before = tokens_of(OLD, (Correction(3, 4, "Ada Lovelace", PERSON, 1.0),))
    assert shown(before) == "I spoke with Ada Lovelace about the engine"
    found = reworded(before, ["I spoke with Ada King about the engine"])
    assert found.rewordings == (Rewording(3, 4, "Ada King"),)


def test_words_that_were_taken_away_can_be_written_again() -> None:
    before = tokens_of(OLD, (Correction(2, 2, "", PERSON, 1.0),))
    assert shown(before) == "I spoke Aida loveless about the engine"
    assert reworded(before, [shown(before)]).rewordings == ()
    (found,) = reworded(before, [OLD]).rewordings
    assert "with" in found.text
    assert (found.first_word, found.last_word) in ((1, 1), (2, 2))


def test_characters_of_scripts_without_spaces_are_compared_one_by_one() -> None:
    found = reworded(tokens_of("今日は会議です", space=""), ["今日は会談です"])
    assert found.rewordings == (Rewording(4, 4, "談"),)


@pytest.mark.parametrize(
    ("parts", "begins"),
    [
        (["I spoke", "with Aida loveless about the engine"], (0, 2)),
        (["I spoke with Ada", "Lovelace about the engine"], (0, 4)),
        (["I", "spoke with", "Aida loveless about the engine"], (0, 1, 3)),
        (["I spoke with someone", "about the engine"], (0, 5)),
        (["", OLD], (0, 0)),
        ([OLD, ""], (0, 8)),
    ],
)
def test_a_passage_is_parted_between_its_words(parts: list[str], begins: tuple[int, ...]) -> None:
    assert reworded(tokens_of(OLD), parts).begins == begins


WORDS = st.lists(st.sampled_from(["a", "b", "c", "dd", "ee", "ff"]), min_size=1, max_size=12)


@given(WORDS, st.lists(st.sampled_from(["a", "b", "c", "dd", "gg", "hh"]), max_size=12))
def test_the_corrected_words_read_as_the_person_has_written_them(old: list[str], new: list[str]) -> None:
    before = tokens_of(" ".join(old))
    found = reworded(before, [" ".join(new)])
    corrections = tuple(
        Correction(it.first_word, it.last_word, it.text, PERSON, 1.0) for it in found.rewordings
    )
    assert shown(tokens_of(" ".join(old), corrections)) == " ".join(new)
