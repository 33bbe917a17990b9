"""Calls with known speakers: how people talk in a scene, pieces of recordings, turns of real talks."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench.real_speech import Clip
from bench.speaker_calls import SpeakerCall
from bench.speaker_pieces import Piece, pieces, word_times_ms
from bench.speaker_real import TALKS, THREE, TWO, RealFolder, in_turn, read_turns
from bench.speaker_scenes import JOE, LAURA, SpeakerScene, echoed, scene_call
from bench.speaker_words import Utterance
from shared.words import Word
from tests.voices import SAMPLE_RATE_HZ, write_wav

MINUTES = 0.3
ECHO_MS = 40.0


def said_at_once(call: SpeakerCall) -> float:
    """The share of time in which two people speak, of that in which somebody does."""
    both = sum(one.overlap_ms(other) for one, other in pairwise(call.utterances))
    return both / (sum(it.end_ms - it.start_ms for it in call.utterances) - both)


def power(samples: np.ndarray, it: Utterance) -> float:
    frames = slice(*(round(time * SAMPLE_RATE_HZ / 1000) for time in (it.start_ms, it.end_ms)))
    return float(np.mean(np.square(samples[frames])))


def test_each_side_has_its_own_person_and_one_channel_has_both() -> None:
    call = scene_call("headsets", SpeakerScene(), MINUTES)
    assert call.sides
    assert set(call.persons) == {LAURA, JOE}
    for it in call.utterances:
        own, other = call.sides if it.speaker == LAURA else reversed(call.sides)
        assert power(own, it) > 1_000 * power(other, it)
    assert np.allclose(call.samples, (call.sides.microphone + call.sides.loopback) / 2, atol=1e-4)
    assert [it.speaker for it in call.of_sides] == [
        "me" if it.speaker == LAURA else "them" for it in call.utterances
    ]


def test_the_same_scene_gives_the_same_call() -> None:
    one, other = (scene_call("headsets", SpeakerScene(), MINUTES) for _ in range(2))
    assert one.utterances == other.utterances
    assert np.array_equal(one.samples, other.samples)


def test_people_overlap_in_the_scene_of_overlaps_and_not_in_that_of_headsets() -> None:
    assert said_at_once(scene_call("headsets", SpeakerScene(), MINUTES)) == 0
    assert 0.05 < said_at_once(scene_call("overlap", SpeakerScene(overlap=(0.1, 0.35)), 1.0)) < 0.35


def test_in_double_talk_own_sentences_are_under_the_other_voice() -> None:
    call = scene_call("double talk", SpeakerScene(double_talk=True), 0.5)
    own = [it for it in call.utterances if it.speaker == LAURA]
    others = [it for it in call.utterances if it.speaker != LAURA]
    assert any(sum(it.overlap_ms(other) for other in others) > 1_000 for it in own)


def test_a_third_person_shares_the_far_side() -> None:
    call = scene_call("three people", SpeakerScene(persons=3), 0.6)
    assert len(call.persons) == 3
    assert {it.speaker for it in call.of_sides} == {"me", "them"}


def test_an_echo_comes_late_and_at_its_level() -> None:
    far = np.zeros(SAMPLE_RATE_HZ, np.float32)
    far[1_000] = 1.0
    heard = echoed(far, ECHO_MS, np.random.default_rng(1))
    assert int(np.abs(heard).argmax()) == 1_000 + round(ECHO_MS / 1000 * SAMPLE_RATE_HZ)
    assert heard.max() == pytest.approx(1.0, abs=0.05)
    scene = SpeakerScene(echo_db=-6.0, echo_ms=ECHO_MS)
    call = scene_call("echo", scene, MINUTES)
    assert call.sides
    far_talk = next(it for it in call.utterances if it.speaker == JOE)
    share = power(call.sides.microphone, far_talk) / power(call.sides.loopback, far_talk)
    assert 10 * np.log10(share) == pytest.approx(-6, abs=1.5)


def tone(seconds: float) -> np.ndarray:
    return np.full(round(seconds * SAMPLE_RATE_HZ), 0.5, np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def test_a_recording_is_cut_at_its_pauses_with_the_words_of_each_piece() -> None:
    samples = np.concatenate([tone(2), silence(1), tone(1.5), silence(0.6), tone(0.2)])
    clip = Clip("alone", "read", "a.wav", samples, "we have eight drivers now yes")
    heard = [Word(0, 900, "We", 1.0), Word(900, 1_900, "have", 1.0), Word(3_000, 3_700, "eight", 1.0)]
    heard += [
        Word(3_700, 4_200, "driver", 1.0),
        Word(4_300, 4_500, "now", 1.0),
        Word(5_150, 5_290, "yes", 1.0),
    ]
    found = pieces(clip, heard)
    assert [it.text for it in found] == ["we have", "eight drivers now"], "the third is too short"
    assert [round(it.seconds, 1) for it in found] == [2.1, 1.8]


def test_a_word_that_was_not_heard_is_between_its_neighbours() -> None:
    heard = [Word(0, 200, "one", 1.0), Word(1_000, 1_200, "three", 1.0)]
    assert word_times_ms(["one", "two", "three"], heard) == [100, 600, 1_100]
    with pytest.raises(ValueError, match="none of the words"):
        word_times_ms(["four"], heard)


def test_voices_speak_in_turn_on_one_channel() -> None:
    voices = {name: [Piece(name, tone(2), f"{name} speaks")] * 20 for name in ("a", "b", "c")}
    two, three = list(in_turn(voices, 2, None)), list(in_turn(voices, 3, None))
    assert [call.name for call in two] == ["a and b", "a and c", "b and c"]
    assert (two[0].kind, three[0].kind, three[0].sides) == (TWO, THREE, None)
    assert [it.speaker for it in three[0].utterances[:4]] == ["a", "b", "c", "a"]
    assert all(one.end_ms < other.start_ms for one, other in pairwise(three[0].utterances))
    assert 60 <= two[0].seconds < 100


RTTM = """SPEAKER talk 1 1.000 2.000 <NA> <NA> A <NA> <NA>
SPEAKER talk 1 3.500 1.000 <NA> <NA> B <NA> <NA>
SPEAKER talk 1 5.000 2.000 <NA> <NA> A <NA> <NA>
"""


def test_turns_of_a_talk_have_the_words_of_their_lines() -> None:
    found = read_turns(RTTM, "A\tgood morning\nB\tyes\nA\tgo ahead\n")
    assert [(it.speaker, it.start_ms, it.end_ms) for it in found] == [
        ("A", 1_000, 3_000),
        ("B", 3_500, 4_500),
        ("A", 5_000, 7_000),
    ]
    assert [[token.text for token in it.tokens] for it in found] == [
        ["good", "morning"],
        ["yes"],
        ["go", "ahead"],
    ]


def test_words_without_a_turn_of_their_own_are_spread_over_the_turns_of_their_speaker() -> None:
    found = read_turns(RTTM, "A\tgood\nB\tyes\nA\tgoes\nA\tthat\nA\tlate\n")
    assert [[token.text for token in it.tokens] for it in found] == [
        ["good", "goes"],
        ["yes"],
        ["that", "late"],
    ]


def test_a_recording_with_turns_is_a_talk_and_one_of_a_meeting_without_them_is_no_single_voice(
    tmp_path: Path,
) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "speakers").mkdir()
    names = {"talk.wav": "telephone", "one.wav": "read", "many.wav": "meeting"}
    for name in names:
        write_wav(tmp_path / "clips" / name, tone(8))
    lines = ["file\tkind\tref_grade", *(f"{name}\t{kind}\tA" for name, kind in names.items())]
    (tmp_path / "sources.tsv").write_text("\n".join(lines), "utf-8")
    (tmp_path / "refs.tsv").write_text("\n".join(f"{name}\tgood morning" for name in names), "utf-8")
    (tmp_path / "speakers" / "talk.rttm").write_text(RTTM, "utf-8")
    (tmp_path / "speakers" / "talk.turns.tsv").write_text("A\tgood\nB\tyes\nA\tgo", "utf-8")
    real = RealFolder(tmp_path)
    assert [(call.kind, call.name, call.persons) for call in real.talks()] == [(TALKS, "talk", ["A", "B"])]
    assert [call.name for call in real.alone()] == ["one.wav"]
    plain, with_echo = real.on_two_sides()
    assert (plain.has_echo, with_echo.has_echo) == (False, True)
