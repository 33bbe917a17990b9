"""When what the model has written is in doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from transcribe_worker.recognition.checks import CHECKS, Outcome, confirms, doubts, is_no_speech
from transcribe_worker.recognition.loops import Loop

GOOD = Outcome(
    text="Good morning, and thank you for taking the time to talk with me.",
    seconds=4.0,
    written_seconds=3.8,
    covered_seconds=3.8,
    average_log_probability=-0.2,
    no_speech_probability=0.01,
)


def test_an_ordinary_sentence_is_not_in_doubt():
    assert doubts(GOOD) == []


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("repeats_itself", replace(GOOD, text="you know " * 30, seconds=20.0, covered_seconds=20.0)),
        ("repeats_itself", replace(GOOD, loops=(Loop(("yes",), 3, 0, 3),))),
        ("improbable", replace(GOOD, average_log_probability=-1.3)),
        ("no_speech", replace(GOOD, no_speech_probability=0.9)),
        ("too_fast", replace(GOOD, seconds=1.0)),
        (
            "too_slow",
            replace(GOOD, text="Thank you.", seconds=18.0, written_seconds=18.0, covered_seconds=18.0),
        ),
        ("ends_early", replace(GOOD, seconds=12.0)),
    ],
)
def test_each_reason_is_found_alone(reason: str, outcome: Outcome):
    assert doubts(outcome) == [reason]


def test_every_reason_has_its_example():
    assert set(CHECKS) == {"repeats_itself", "improbable", "no_speech", "too_fast", "too_slow", "ends_early"}


def test_where_nothing_was_written_nothing_is_said_about_speech():
    nothing = Outcome("", 2.0, 0.0, 0.0, -0.3, 0.9)
    assert doubts(nothing) == []


def test_a_few_words_in_a_breath_are_not_too_fast():
    assert doubts(replace(GOOD, text="I do not know it", seconds=0.7, covered_seconds=0.7)) == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Thank you.", 4.0),  # it may be drawn out
        ("Yes, that is what I have been thinking of all the time.", 20.0),  # very slow, with pauses
        ("对，这就是我一直在想的事情。我们应该早点儿谈一谈，你觉得呢？", 16.0),
    ],
)
def test_few_words_in_some_seconds_are_not_too_slow(text: str, seconds: float):
    outcome = replace(GOOD, text=text, seconds=seconds, written_seconds=seconds, covered_seconds=seconds)
    assert "too_slow" not in doubts(outcome)


@pytest.mark.parametrize(
    ("no_speech", "log_probability", "expected", "in_a_word"),
    [
        (0.95, -0.85, True, True),  # music
        (0.98, -1.18, True, True),  # keys
        (0.83, -0.97, True, False),  # a spoken digit
        (0.44, -1.09, True, False),  # a ring tone
        (0.47, -0.92, True, False),  # another one
        (0.38, -0.43, False, False),  # faint speech
        (0.9, -0.2, False, False),  # the text is plausible, whatever the first token says
        (0.1, -1.3, False, False),  # mumbled
    ],
)
def test_no_speech_is_what_two_signs_agree_on_and_stronger_ones_for_a_single_word(
    no_speech: float, log_probability: float, expected: bool, in_a_word: bool
):
    outcome = replace(GOOD, no_speech_probability=no_speech, average_log_probability=log_probability)
    assert is_no_speech(outcome) is expected
    assert is_no_speech(replace(outcome, seconds=0.3)) is in_a_word


def test_what_two_tries_repeat_alike_was_said_unless_it_is_repeated_as_only_a_model_does():
    three = replace(GOOD, text="no, no, no", loops=(Loop(("no",), 3, 0, 3),))
    four = replace(GOOD, text="no, no, no, no", loops=(Loop(("no",), 4, 0, 4),))
    assert confirms(three, replace(three, text="Oh no, no, no", loops=(Loop(("no",), 3, 1, 4),)))
    assert not confirms(three, four)
    assert not confirms(GOOD, GOOD)
    endless = replace(GOOD, text="no, " * 100, loops=(Loop(("no",), 100, 0, 100),))
    assert not confirms(endless, endless)
