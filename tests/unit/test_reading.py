"""A transcript as a person reads it."""

from __future__ import annotations

from shared.reading import Correction, corrected_texts, read
from shared.speakers import LOUDNESS, ME, PERSON, THEM, Label
from shared.words import Segment, Word, numbered


def segment(start_ms: int, text: str) -> Segment:
    words = tuple(
        Word(start_ms + 100 * n, start_ms + 100 * n + 90, f" {it}", 0.9) for n, it in enumerate(text.split())
    )
    return Segment(start_ms, start_ms + 100 * len(words), text, words)


SEGMENTS = numbered(
    [segment(0, "We met Aida loveless"), segment(1000, "in the evening"), Segment(2000, 2100, "um")]
)


def correction(first: int, last: int, text: str) -> Correction:
    return Correction(first, last, text, PERSON, 1.0)


def text_of(*corrections: Correction) -> str:
    return "|".join(token.text for token in read(SEGMENTS, (), corrections))


def test_words_are_read_as_the_engine_wrote_them_with_its_spaces() -> None:
    assert text_of() == " We| met| Aida| loveless| in| the| evening| um"


def test_a_correction_is_read_instead_of_the_words_it_covers() -> None:
    assert text_of(correction(2, 3, "Ada Lovelace")) == " We| met| Ada Lovelace| in| the| evening| um"
    assert text_of(correction(1, 1, "")) == " We|| Aida| loveless| in| the| evening| um"
    assert text_of(correction(3, 4, "L in")) == " We| met| Aida| L in| the| evening| um"


def test_a_later_correction_stands_over_the_ones_that_it_overlaps() -> None:
    earlier, later = correction(1, 2, "saw Ada"), correction(2, 3, "Ada Lovelace")
    assert text_of(earlier, later) == " We| met| Ada Lovelace| in| the| evening| um"


def test_a_correction_of_words_that_there_are_not_is_passed_over() -> None:
    assert text_of(correction(7, 9, "x"), correction(-1, 0, "y")) == text_of()
    assert text_of(correction(6, 99, "night")) == " We| met| Aida| loveless| in| the| night| um"


def test_a_persons_label_stands_over_that_of_the_machine() -> None:
    labels = (
        Label(0, 3, ME, LOUDNESS, 0.9),
        Label(4, 6, THEM, LOUDNESS, 0.6),
        Label(3, 4, "voice 1", PERSON),
    )
    tokens = read(SEGMENTS, labels)
    assert [token.speaker for token in tokens] == [ME, ME, ME, "voice 1", "voice 1", THEM, THEM, None]
    assert [token.probability for token in tokens] == [0.9, 0.9, 0.9, None, None, 0.6, 0.6, None]


def test_only_segments_with_a_correction_have_a_corrected_text() -> None:
    assert corrected_texts(SEGMENTS, ()) == {}
    assert corrected_texts(SEGMENTS, [correction(0, 0, "They")]) == {0: "They met Aida loveless"}
    over_both = [correction(3, 6, "Lovelace")]
    assert corrected_texts(SEGMENTS, over_both) == {0: "We met Aida Lovelace", 1: ""}
