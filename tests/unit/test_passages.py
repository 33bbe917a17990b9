"""Passages: who said what, as people read it, derived from words, labels, names and corrections."""

from __future__ import annotations

from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from archive.passages import Passage, passages, text_of, turns
from archive.transcript import Transcript
from shared.speakers import ME, PERSON, THEM, UNSURE, Label, far_voice, voice
from shared.words import Segment
from tests.transcripts import corrected, said_by, sentence, transcript

HELLO = sentence("Hello there, how are you? Fine, thanks.", 1000)


def read(found: Transcript) -> list[tuple[str | None, str]]:
    """Who says what."""
    return [(passage.shown_name, passage.reading) for passage in passages(found)]


def test_without_labels_each_segment_is_a_passage_with_its_own_text_and_times() -> None:
    odd = Segment(5000, 5600, "1,000 words", HELLO.words[:2], doubts=("improbable",))
    found = passages(transcript(HELLO, odd))
    assert [(it.start_ms, it.end_ms, it.text, it.speaker) for it in found] == [
        (1000, HELLO.end_ms, HELLO.text, None),
        (5000, 5600, "1,000 words", None),
    ]
    assert found[1].doubts == ("improbable",)
    assert (found[1].first_word, found[1].words) == (7, odd.words)


def test_a_passage_breaks_at_the_word_where_the_speaker_changes() -> None:
    found = passages(transcript(HELLO, labels=[said_by(ME, 0, 4), said_by(THEM, 5, 6)]))
    assert [(it.name, it.text, it.start_ms, it.end_ms) for it in found] == [
        ("Me", "Hello there, how are you?", 1000, 2500),
        ("Them", "Fine, thanks.", 2500, 3100),
    ]
    assert [(it.first_word, len(it.words)) for it in found] == [(0, 5), (5, 2)]


def test_labels_of_persons_stand_over_those_of_the_machine_and_the_last_one_counts() -> None:
    by_person = [Label(0, 1, THEM, PERSON), Label(1, 1, UNSURE, PERSON), Label(1, 1, ME, PERSON)]
    found = transcript(HELLO, labels=[said_by(ME, 0, 6, 0.5), *by_person])
    assert read(found) == [("Them", "Hello"), ("Me (?)", "there, how are you? Fine, thanks.")]


def test_a_speaker_has_the_name_that_a_person_gave_or_one_for_what_is_known() -> None:
    speakers = (ME, THEM, far_voice(2), voice(1), UNSURE)
    labels = [said_by(speaker, number, number) for number, speaker in enumerate(speakers)]
    names = {THEM: "  Ada\nLovelace ", voice(1): " \x1b "}
    assert [passage.name for passage in passages(transcript(HELLO, labels=labels, names=names))] == [
        *("Me", "Ada Lovelace", "Them 2", "Voice 1", "Unknown", None)
    ]


def test_unsure_words_within_what_one_person_says_are_read_as_that_persons() -> None:
    labels = [
        said_by(ME, 0, 4, 0.9),
        said_by(UNSURE, 1, 2, 0.5),
        said_by(UNSURE, 5, 5, 0.5),
        said_by(THEM, 6, 6),
    ]
    found = passages(transcript(HELLO, labels=labels))
    assert [(it.shown_name, it.text, it.probability) for it in found] == [
        *(("Me", "Hello there, how are you?", 0.74), ("Unknown (?)", "Fine,", 0.5), ("Them", "thanks.", 0.9))
    ]


def test_two_speakers_with_one_name_are_read_as_one_person() -> None:
    labels = [said_by(voice(1), 0, 2), said_by(voice(2), 3, 4), said_by(voice(3), 5, 6)]
    found = transcript(HELLO, labels=labels, names={voice(1): "Ada", voice(2): " Ada"})
    assert read(found) == [("Ada", "Hello there, how are you?"), ("Voice 3", "Fine, thanks.")]


def test_a_speaker_is_doubtful_below_a_probability_of_seven_tenths_or_if_nobody_is_sure() -> None:
    labels = [said_by(ME, 0, 0, 0.7), said_by(THEM, 1, 1, 0.69), said_by(UNSURE, 2, 2, 0.9)]
    labels += [Label(3, 3, ME, PERSON), said_by(THEM, 4, 4, 0.6), said_by(THEM, 5, 6, 0.9)]
    found = passages(transcript(HELLO, labels=labels))
    assert [(it.shown_name, it.probability) for it in found] == [
        *(("Me", 0.7), ("Them (?)", 0.69), ("Unknown (?)", 0.9), ("Me", None), ("Them", 0.8))
    ]


def test_a_correction_is_read_instead_of_its_words_and_the_text_of_the_engine_stays() -> None:
    (found,) = passages(transcript(HELLO, corrections=[corrected(1, 3, "Zoë,\nwho is")]))
    assert found.line == "Hello Zoë, who is you? Fine, thanks."
    assert found.corrected_text == found.reading == found.line.replace("Zoë, ", "Zoë,\n")
    assert (found.text, found.words) == (HELLO.text, HELLO.words)
    (untouched,) = passages(transcript(HELLO))
    assert untouched.corrected_text is None


def test_a_later_correction_takes_the_place_of_those_it_overlaps() -> None:
    both = [corrected(0, 2, "Gone"), corrected(5, 6, "Well, thanks."), corrected(2, 3, "where were")]
    assert text_of(transcript(HELLO, corrections=both)) == "Hello there, where were you? Well, thanks."


def test_a_correction_is_not_parted_and_goes_to_the_speaker_of_its_first_word() -> None:
    labels = [said_by(ME, 0, 2), said_by(THEM, 3, 6)]
    found = transcript(HELLO, labels=labels, corrections=[corrected(2, 4, "are you well?")])
    assert read(found) == [("Me", "Hello there, are you well?"), ("Them", "Fine, thanks.")]


def test_a_correction_over_two_segments_is_read_where_it_begins() -> None:
    second = sentence("I am fine.", 4000)
    found = transcript(HELLO, second, corrections=[corrected(6, 8, "thank you, I'm")])
    assert read(found) == [(None, "Hello there, how are you? Fine, thank you, I'm"), (None, "fine.")]


def test_words_that_a_person_removed_are_not_read() -> None:
    second = sentence("Thank you.", 4000)
    found = transcript(HELLO, second, corrections=[corrected(7, 8, "")])
    assert read(found) == [(None, HELLO.text), (None, "")]


def test_segments_without_words_have_the_speaker_of_their_channel() -> None:
    left, right, none = (Segment(0, 900, "Hello.", channel=channel) for channel in (0, 1, None))
    labels = [said_by(THEM, 0, 99)]
    assert [it.speaker for it in passages(transcript(left, right, none, labels=labels))] == [
        *(voice(1), voice(2), None)
    ]
    assert [it.name for it in passages(transcript(left, right, is_capture=True))] == ["Me", "Them"]


def test_speech_at_the_same_time_is_in_the_order_in_which_it_begins() -> None:
    yes, no = sentence("Yes.", 1600, channel=1), sentence("No.", 1300, channel=0)
    found = passages(transcript(yes, HELLO, no, labels=[said_by(ME, 0, 8)]))
    assert [it.text for it in found] == [HELLO.text, "No.", "Yes."]


def test_passages_of_one_speaker_make_a_turn_and_those_of_nobody_stay_alone() -> None:
    found = [Passage(0, 1, "a", speaker=who, name=who) for who in (ME, ME, THEM, None, None)]
    assert [len(turn) for turn in turns(found)] == [2, 1, 1, 1]


def test_labels_and_corrections_of_words_that_do_not_exist_change_nothing() -> None:
    labels = [said_by(ME, -9, -1), said_by(THEM, 7, 2**62), said_by(ME, 5, 3)]
    assert read(transcript(HELLO, labels=labels, corrections=[corrected(7, 2**62, "x")])) == [
        (None, HELLO.text)
    ]


words = st.text("abzé李.?", min_size=1, max_size=6)
sentences = st.lists(st.lists(words, min_size=1, max_size=8).map(" ".join), max_size=5)
labels = st.lists(
    st.builds(
        lambda first, more, speaker, probability: said_by(speaker, first, first + more, probability),
        st.integers(0, 40),
        st.integers(0, 10),
        st.sampled_from((ME, THEM, UNSURE)),
        st.none() | st.floats(0, 1),
    ),
    max_size=8,
)


@given(sentences, labels)
def test_each_word_is_in_one_passage_of_its_speaker(texts: list[str], given_labels: list[Label]) -> None:
    segments = [sentence(text, 10_000 * number) for number, text in enumerate(texts)]
    found = passages(transcript(*segments, labels=given_labels))
    count = sum(len(segment.words) for segment in segments)
    of_word = {number: label.speaker for label in given_labels for number in _covered(label)}
    read = [
        (p.first_word + n, p.speaker) for p in found for n in range(len(p.words)) if p.first_word is not None
    ]
    assert [number for number, _ in read] == list(range(count))
    assert [of_word.get(number) in (speaker, UNSURE) for number, speaker in read] == [True] * count
    assert [word for passage in found for word in passage.text.split()] == list(
        chain(*(text.split() for text in texts))
    )
    for one, other in pairwise(found):
        same = one.speaker == other.speaker
        assert one.start_ms <= one.end_ms <= other.start_ms
        assert not same or one.start_ms // 10_000 != other.start_ms // 10_000


def _covered(label: Label) -> range:
    return range(label.first_word, label.last_word + 1)
