"""Hotwords and prompts of any length: words stay right, no hotword is made up, and what is cut is flagged."""

from __future__ import annotations

from itertools import cycle, islice, product

import numpy as np
import pytest
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from tests.noises import NOISES
from tests.recognition import Samples, decoded_by, recognition, segments, tiny_model
from tests.voices import LONG_CALL, speak, word_error_rate
from transcribe_worker.recognition.presets import PRESETS
from transcribe_worker.recognition.prompts import MOST_TOKENS, Prompt

#: Names that nobody says in the call.
NAMES = ("Szymanowski", "Lindqvist", "Mulholland", "Elasticsearch", "Hohenzollern", "Okafor", "Zookeeper")
LENGTHS = (0, 10, 300, 3_000)
GIVEN = {
    "hotwords": ("hotwords",),
    "prompt": ("initial_prompt",),
    "both": ("hotwords", "initial_prompt"),
}
#: What the usual run has of all combinations.
USUAL = {("careful", "both", 3_000), *(("fast", "both", number) for number in LENGTHS)} | {
    ("fast", "hotwords", 300),
    ("fast", "prompt", 300),
}
CASES = [
    pytest.param(*case, marks=() if case in USUAL else pytest.mark.long)
    for case in product(PRESETS, GIVEN, LENGTHS)
]


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return tiny_model()


@pytest.fixture(scope="module")
def tokenizer(model: WhisperModel) -> Tokenizer:
    return Tokenizer(model.hf_tokenizer, False, task="transcribe", language="en")


def names(number: int) -> str:
    return ", ".join(islice(cycle(NAMES), number))


def heard(model: WhisperModel, samples: Samples, **options: str) -> tuple[str, tuple[str, ...]]:
    """The text of a recording, and its flags."""
    found = recognition(model, **options)
    text = " ".join(it.text for it in segments(decoded_by(found, samples)))
    return text, found.flags


@pytest.fixture(scope="module")
def call(model: WhisperModel) -> tuple[Samples, str]:
    """Speech, a pause with the noise of a room, and speech; and its words."""
    first, second = speak(LONG_CALL[:3]), speak(LONG_CALL[3:5])
    noise = NOISES["pink"](8, -50, 1)
    return np.concatenate([first.samples, noise, second.samples]), f"{first.words} {second.words}"


@pytest.mark.parametrize(("preset", "given", "number"), CASES)
def test_of_any_length_they_cost_no_word_and_are_not_written_where_nobody_said_them(
    model: WhisperModel, call: tuple[Samples, str], preset: str, given: str, number: int
) -> None:
    samples, words = call
    text, flags = heard(model, samples, preset=preset, **dict.fromkeys(GIVEN[given], names(number)))
    assert word_error_rate(words, text) < 0.05
    assert [name for name in NAMES if name.lower() in text.lower()] == []
    assert flags == (("prompt_cut",) if number >= 300 else ())


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("number", LENGTHS[1:])
def test_noise_is_no_hotword(model: WhisperModel, number: int, given: str) -> None:
    assert heard(model, NOISES["room"](20, -30, 1), **dict.fromkeys(GIVEN[given], names(number)))[0] == ""


# What is kept of it


def length(tokenizer: Tokenizer, hotwords: str, prompt: str) -> int:
    return len(Prompt.of(tokenizer, prompt, hotwords).tokens) - len(tokenizer.sot_sequence) - 1


def test_without_any_of_them_the_model_begins_at_once(tokenizer: Tokenizer) -> None:
    assert Prompt.of(tokenizer, " ", "") == Prompt(list(tokenizer.sot_sequence))


@pytest.mark.parametrize(("hotwords", "prompt"), [(3_000, 0), (0, 3_000), (3_000, 3_000), (10, 3_000)])
def test_together_they_are_as_long_as_may_be_and_no_longer(
    tokenizer: Tokenizer, hotwords: int, prompt: int
) -> None:
    assert MOST_TOKENS - 8 < length(tokenizer, names(hotwords), names(prompt)) <= MOST_TOKENS
    assert Prompt.of(tokenizer, names(prompt), names(hotwords)).is_cut


def test_the_first_hotwords_and_the_end_of_the_prompt_are_kept_as_whole_words(tokenizer: Tokenizer) -> None:
    terms, notes = ([f"{kind}{number}" for number in range(500)] for kind in ("term", "note"))
    kept = tokenizer.decode(Prompt.of(tokenizer, " ".join(notes), " ".join(terms)).tokens).split()
    of_terms = [word for word in kept if word.startswith("term")]
    of_notes = kept[len(of_terms) :]
    assert len(of_terms) > 20
    assert len(of_notes) > 20
    assert of_terms == terms[: len(of_terms)]
    assert of_notes == notes[-len(of_notes) :]


def test_short_hotwords_leave_their_room_to_the_prompt(tokenizer: Tokenizer) -> None:
    assert length(tokenizer, "Okafor", names(3_000)) > MOST_TOKENS - 8
    assert tokenizer.decode(Prompt.of(tokenizer, names(3_000), "Okafor").tokens).startswith(" Okafor")
