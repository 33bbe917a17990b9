"""What the full-text index holds, what a person typed means, and where the words stand."""

from __future__ import annotations

import pytest

from shared.store.words_index import Query, Term, folded, index_text, parse, snippet


@pytest.mark.parametrize(
    "text", ["Good morning.", "Über Größen", "ÉTÉ"], ids=["English", "umlauts", "accents"]
)
def test_text_that_any_index_reads_right_is_held_as_it_is(text: str):
    held = index_text(text)

    assert held is None or "ss" in held


def test_characters_of_scripts_without_spaces_are_words_of_their_own():
    assert (index_text("それは会議です") or "").split() == list("それは会議です")
    assert (index_text("ประชุม") or "").split() != ["ประชุม"]


def test_letters_are_held_as_people_type_them():
    assert folded("Straße") == "strasse"
    assert folded("Ærø Łódź") == "aero lódź"
    assert folded("ＡＢＣ") == "abc"


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("salary", (Term(("salary",)),)),
        ("sal*", (Term(("sal",), is_prefix=True),)),
        ("über", (Term(("über", "ueber")),)),
        ("ueber", (Term(("ueber", "uber")),)),
        ("Straße", (Term(("strasse",)),)),
        ("* \" ''", ()),
    ],
)
def test_what_was_typed_is_read_as_words_in_each_of_their_spellings(typed: str, terms: tuple[Term, ...]):
    assert parse(typed) == Query(terms)


@pytest.mark.parametrize(
    ("text", "typed", "shown"),
    [
        ("We spoke about the salary.", "salary", "We spoke about the [salary]."),
        ("We spoke about salaries.", "sal*", "We spoke about [salaries]."),
        ("それは日本語の会議です", "会議", "…日本語の[会議]です"),
        ("Grüße an alle", "GRUSSE", "[Grüße] an alle"),
        ("Über uns", "ueber", "[Über] uns"),
        ("Nothing of it", "absent", "Nothing of it"),
        ("...", "absent", "..."),
    ],
)
def test_a_snippet_has_what_was_found_in_brackets(text: str, typed: str, shown: str):
    assert snippet(text, parse(typed)) == shown


def test_a_snippet_of_a_long_text_has_a_dozen_words_around_the_first_place():
    words = [f"word{number}" for number in range(100)]

    found = snippet(" ".join(words), parse("word50"))

    assert found.startswith("…")
    assert found.endswith("…")
    assert "[word50]" in found
    assert len(found.split()) == 12
