"""Several people of the far side are told apart."""

from __future__ import annotations

from shared.speakers import LOUDNESS, ME, THEM, UNSURE, VOICES, Label
from shared.words import Segment, Word, numbered
from transcribe_worker.speakers.far_voices import told_apart

SECOND = 1_000


def call(words: int) -> tuple[Segment, ...]:
    """A call in which a word of a second follows another."""
    said = tuple(Word(n * SECOND, (n + 1) * SECOND, f" w{n}", 0.9) for n in range(words))
    return numbered([Segment(0, words * SECOND, "".join(word.text for word in said).strip(), said)])


def side(first: int, last: int, speaker: str, probability: float = 0.99) -> Label:
    return Label(first, last, speaker, LOUDNESS, probability)


def voice(first: int, last: int, number: int, probability: float = 0.9) -> Label:
    return Label(first, last, f"voice {number}", VOICES, probability)


def test_two_people_of_the_far_side_are_counted_in_the_order_in_which_they_speak():
    sides = [side(0, 9, ME), side(10, 29, THEM)]
    voices = [voice(0, 9, 1), voice(10, 19, 3), voice(20, 29, 2)]

    found = told_apart(call(30), sides, voices)

    assert [(it.first_word, it.last_word, it.speaker, it.probability) for it in found] == [
        (0, 9, ME, 0.99),
        (10, 19, "them 1", 0.89),
        (20, 29, "them 2", 0.89),
    ]


def test_one_person_of_the_far_side_stays_them():
    sides = [side(0, 9, ME), side(10, 29, THEM)]

    assert told_apart(call(30), sides, [voice(0, 9, 1), voice(10, 29, 2)]) == sides


def test_a_voice_of_a_few_words_is_no_other_person():
    sides = [side(0, 39, THEM)]

    assert told_apart(call(40), sides, [voice(0, 36, 1), voice(37, 39, 2)]) == sides


def test_my_own_voice_is_nobody_of_the_far_side_and_its_words_there_stay_with_them():
    sides = [side(0, 19, ME), side(20, 45, THEM)]
    voices = [voice(0, 25, 1), voice(26, 35, 2), voice(36, 45, 3)]

    found = told_apart(call(46), sides, voices)

    assert [(it.first_word, it.last_word, it.speaker) for it in found] == [
        (0, 19, ME),
        (20, 25, THEM),
        (26, 35, "them 1"),
        (36, 45, "them 2"),
    ]


def test_an_unsure_word_stays_unsure():
    sides = [side(0, 9, THEM), side(10, 10, UNSURE, 0.5), side(11, 20, THEM)]

    found = told_apart(call(21), sides, [voice(0, 10, 1), voice(11, 20, 2)])

    assert [it.speaker for it in found] == ["them 1", UNSURE, "them 2"]
