"""Words of the wrong speaker, doubled and lost words are counted by hand-made examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from bench.cpwer import cp_mistakes
from bench.speaker_alignment import align
from bench.speaker_scores import UNSURE, Score, judge
from bench.speaker_words import Token, Utterance, spread, uttered
from tests.voices import SAMPLE_RATE_HZ

WORD_MS = 300


def said(speaker: str, start_ms: int, text: str) -> Utterance:
    """An utterance with a word each 0.3 s."""
    found = tuple(written(speaker, start_ms, text))
    return Utterance(speaker, start_ms, found[-1].end_ms, found)


def written(speaker: str, start_ms: int, text: str, probability: float | None = None) -> list[Token]:
    times = (start_ms + number * WORD_MS for number in range(len(text.split())))
    return [
        Token(word, time, time + WORD_MS, speaker, probability)
        for time, word in zip(times, text.split(), strict=True)
    ]


def score(utterances: Sequence[Utterance], heard: Iterable[Token], own: str | None = "me") -> Score:
    return judge(utterances, list(heard), named=True, own=own).score


CALL = (said("me", 0, "when could you start"), said("them", 1_500, "i could start next month"))


def test_a_perfect_transcript_has_no_mistakes() -> None:
    found = score(CALL, (token for it in CALL for token in it.tokens))
    assert (found.words, found.paired, found.wrong_words, found.cp_wrong_words) == (9, 9, 0, 0)
    assert (found.wrong_speaker, found.unsure, found.doubled, found.lost) == (0, 0, 0, 0)


def test_a_wrong_word_is_no_wrong_speaker_and_a_wrong_speaker_is_no_wrong_word() -> None:
    heard = [*written("me", 0, "when good you"), *written("them", 900, "start"), *CALL[1].tokens]
    found = score(CALL, heard)
    assert (found.wrong_speaker, found.wrong_words) == (1, 1)
    assert found.cp_wrong_words == 3, "the word is missing with one speaker and too many with the other"


def test_words_within_half_a_second_of_a_turn_are_counted_apart() -> None:
    heard = [*written("them", 0, "when"), *written("me", 300, "could you"), *written("them", 900, "start")]
    found = score(CALL, [*heard, *CALL[1].tokens])
    assert (found.wrong_speaker, found.near_wrong) == (2, 1), "the first word is 0.9 s before the turn"
    assert found.near == 4, "you start, i could: the turn is from 1.2 to 1.5 s"


def test_a_word_in_doubt_is_unsure_and_not_wrong() -> None:
    found = score(CALL, [*written(UNSURE, 0, "when could you start"), *CALL[1].tokens])
    assert (found.unsure, found.wrong_speaker) == (4, 0)


def test_of_words_with_a_probability_of_nine_tenths_the_wrong_ones_are_counted() -> None:
    heard = [*written("them", 0, "when could", 0.95), *written("me", 600, "you start", 0.9)]
    found = score(CALL, [*heard, *written("me", 1_500, "i could start next month", 0.6)])
    assert (found.sure, found.sure_wrong, found.wrong_speaker) == (4, 2, 7)
    assert (found.likely, found.doubtful, found.doubtful_wrong) == (0, 5, 5)


def test_a_word_repeated_under_another_label_is_doubled() -> None:
    echo = written("me", 1_540, "i could start next month")
    found = score(CALL, [*CALL[0].tokens, *CALL[1].tokens, *echo])
    assert (found.doubled, found.wrong_speaker, found.wrong_words) == (5, 0, 5)


def test_of_an_echo_nearer_in_time_and_the_word_itself_the_echo_is_doubled() -> None:
    echo = written("me", 1_500, "i could start next month")
    late = written("them", 1_700, "i could start next month")
    found = score(CALL, [*CALL[0].tokens, *late, *echo])
    assert (found.doubled, found.wrong_speaker) == (5, 0)


def test_a_word_that_somebody_says_twice_is_not_doubled() -> None:
    call = (said("me", 0, "yes yes"), said("them", 3_000, "yes"))
    found = score(call, [token for it in call for token in it.tokens])
    assert (found.doubled, found.wrong_words) == (0, 0)
    found = score(call, [*written("me", 0, "yes yes yes"), *written("them", 3_000, "yes")])
    assert (found.doubled, found.wrong_words) == (0, 1), "an added word under the same label"


def test_an_own_sentence_under_the_other_voice_is_lost_with_most_of_its_words() -> None:
    call = (said("them", 0, "we have eight drivers in our team today"), said("me", 600, "that is good"))
    found = score(call, [*call[0].tokens, *written("me", 600, "that")])
    assert (found.double_talk, found.double_talk_lost, found.lost) == (1, 1, 2)
    found = score(call, [*call[0].tokens, *written("me", 600, "that is")])
    assert (found.double_talk, found.double_talk_lost, found.lost) == (1, 0, 1)
    assert score(call, call[0].tokens, own="them").double_talk == 0


def test_words_said_at_once_may_be_written_in_any_order() -> None:
    one, two = said("me", 0, "a b c d"), said("them", 100, "e f g h")
    heard = [token for pair in zip(two.tokens, one.tokens, strict=True) for token in pair]
    assert align([one.tokens, two.tokens], heard).wrong == 0
    in_turn = [*written("me", 0, "a b"), *written("them", 250, "e f g h"), *written("me", 700, "c d")]
    assert align([one.tokens, two.tokens], in_turn).wrong == 0


def test_words_further_apart_than_a_second_are_no_pair() -> None:
    found = align([written("me", 0, "yes")], written("me", 1_500, "yes"))
    assert (found.pairs, len(found.lost), len(found.added)) == ((), 1, 1)
    assert align([written("me", 0, "yes")], written("me", 1_500, "yes"), limit_ms=2_000).wrong == 0


def test_words_between_long_pauses_are_aligned_one_with_another() -> None:
    stream = [*written("me", 0, "a b"), *written("me", 60_000, "c d"), *written("me", 120_000, "e")]
    found = align([stream], [*written("me", 60_000, "c x"), *written("me", 120_000, "e")])
    assert [(one.text, other.text) for one, other in found.pairs] == [("c", "c"), ("d", "x"), ("e", "e")]
    assert [token.text for token in found.lost] == ["a", "b"]


def test_without_words_all_are_lost() -> None:
    found = score(CALL, [])
    assert (found.lost, found.paired, found.cp_wrong_words) == (9, 0, 9)


@pytest.mark.parametrize("names", [("voice 1", "voice 2"), ("voice 2", "voice 1")])
def test_voices_without_names_are_the_persons_that_fit_best(names: tuple[str, str]) -> None:
    heard = [*written(names[0], 0, "when could you start"), *written(names[1], 1_500, "i could start")]
    found = judge(CALL, [*heard, *written(names[0], 2_400, "next month")]).score
    assert (found.wrong_speaker, found.voices_right) == (2, 1)


def test_a_third_voice_is_nobody() -> None:
    heard = [*CALL[0].tokens, *written("a", 1_500, "i could start"), *written("b", 2_400, "next month")]
    found = judge(CALL, heard).score
    assert (found.wrong_speaker, found.voices_right) == (2, 0)


def test_the_permutation_with_the_fewest_wrong_words_counts() -> None:
    people = {"a": ["one", "two", "three"], "b": ["four", "five"]}
    assert cp_mistakes(people, {"x": ["four", "five"], "y": ["one", "two", "six"]}).wrong == 1
    assert cp_mistakes(people, {"x": ["one", "two", "three", "four", "five"]}).wrong == 4, (
        "two added, two lost"
    )
    assert cp_mistakes(people, {**people, "c": ["seven"]}).wrong == 1
    assert cp_mistakes(people, {}).wrong == 5


def test_eight_speakers_are_assigned_and_nine_are_refused() -> None:
    people = {str(number): [f"word{number}"] * 3 for number in range(9)}
    eight = dict(list(people.items())[:8])
    turned = {f"voice {number}": words for number, words in enumerate(reversed(eight.values()))}
    assert cp_mistakes(eight, turned).wrong == 0
    with pytest.raises(ValueError, match="9 speakers"):
        cp_mistakes(people, people)


def test_words_of_an_utterance_have_times_by_their_letters_without_its_pauses() -> None:
    tone = np.full(SAMPLE_RATE_HZ, 0.5, np.float32)
    samples = np.concatenate([tone, np.zeros(2 * SAMPLE_RATE_HZ, np.float32), tone])
    found = uttered("me", "Good. Mind.", 10_000, samples)
    assert [token.text for token in found.tokens] == ["good", "mind"]
    assert [token.start_ms for token in found.tokens] == [10_000, pytest.approx(13_000, abs=2_050)]
    assert found.tokens[0].end_ms <= 13_020
    assert found.end_ms == found.tokens[1].end_ms == 14_000


def test_words_are_spread_over_the_turns_of_a_speaker() -> None:
    found = spread(["aa", "bb", "cc", "dd"], [(0, 1_000), (5_000, 6_000)])
    assert [start for start, _ in found] == [0, 500, 5_000, 5_500]
