"""Phrases that the model writes over and over are found by their words, and one copy is kept."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe_worker.recognition.loops import (
    FEWEST_TIMES,
    LONGEST_PHRASE,
    find_loops,
    loops_of,
    without_loops,
)
from transcribe_worker.recognition.tokens import Said

#: Each word of these tests is the token of its place here.
WORDS: list[str] = []


def said(*sentences: str) -> list[Said]:
    return [
        Said(float(at), at + 1.0, [_token(word) for word in _parts(it)]) for at, it in enumerate(sentences)
    ]


def _parts(text: str) -> list[str]:
    return re.findall(r" ?-?[\w']+|[^\w\s]", text)


def _token(word: str) -> int:
    if word not in WORDS:
        WORDS.append(word)
    return WORDS.index(word)


def split_words(tokens: list[int]) -> tuple[list[str], list[list[int]]]:
    return [WORDS[token] for token in tokens], [[token] for token in tokens]


def text(sentences: list[Said]) -> list[str]:
    return ["".join(WORDS[token] for token in it.tokens) for it in sentences]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (["1, 2, 3, 3, 1, 2, 3, 3, 1, 2, 3, 3, 1, 2, 3"], ["1, 2, 3, 3,"]),
        (["0-8-3-1 0-8-3-1 0-8-3-1 0-8-3-1 0"], ["0-8-3-1"]),
        (["Three. Three. three, Three."], ["Three."]),
        ([" Yes.", " Yes.", " Yes.", " I do."], [" Yes.", " I do."]),
        ([" Oh. Dear.", " Oh.", " Dear. Oh, dear.", " Well."], [" Oh. Dear.", " Well."]),
        (["it is an old-s-s-y-y-y-y-y"], ["it is an old-s-s-y"]),
    ],
)
def test_one_copy_of_a_loop_is_kept(written: list[str], kept: list[str]) -> None:
    assert loops_of(said(*written), split_words)
    assert text(without_loops(said(*written), split_words)) == kept


@pytest.mark.parametrize("written", [["Two two."], ["Yes.", "Yes."], ["No no, yes, no no."], ["..."], []])
def test_what_stands_twice_is_left_alone(written: list[str]) -> None:
    assert loops_of(said(*written), split_words) == ()
    assert without_loops(said(*written), split_words) == said(*written)


def test_a_sentence_keeps_its_times_when_a_loop_in_it_is_cut() -> None:
    (first, last) = without_loops(said("so", "and and and and"), split_words)
    assert (first.start_seconds, last.start_seconds, last.end_seconds) == (0.0, 1.0, 2.0)


@pytest.mark.parametrize("length", [1, 2, LONGEST_PHRASE])
@pytest.mark.parametrize("times", [FEWEST_TIMES, 5])
def test_a_phrase_of_any_length_is_found_once(length: int, times: int) -> None:
    phrase = [f"w{number}" for number in range(length)]
    (loop,) = find_loops(["before", *phrase * times, "after"])
    assert (loop.phrase, loop.times, loop.start, loop.end) == (tuple(phrase), times, 1, 1 + length * times)


@given(st.lists(st.sampled_from("ab"), max_size=60))
def test_loops_do_not_overlap_and_stand_as_often_as_they_say(words: list[str]) -> None:
    end = 0
    for loop in find_loops(words):
        assert end <= loop.start < loop.end <= len(words)
        assert words[loop.start :][: len(loop.phrase) * loop.times] == [*loop.phrase * loop.times]
        end = loop.end
