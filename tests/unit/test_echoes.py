"""Words that two channels both have of one side are kept once, and everybody's own words stay."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from shared.loudness import SideLevels, as_byte, echo_bytes
from shared.words import Segment, Word
from transcribe_worker.speakers.by_channels import merged

TICKS = 50
WORD_MS = 300
NOISE_DBFS, SPEECH_DBFS = -70.0, -20.0


@dataclass
class Scene:
    """Two channels, of which the first hears the second: `gain_db` quieter and `lag_ms` later."""

    seconds: int = 30
    gain_db: float = -6.0
    lag_ms: int = 60
    clarity: float = 1.0  # of the echo: reverberation lowers its correlation
    segments: list[Segment] = field(default_factory=list)
    power: tuple[list[float], list[float]] = field(init=False)

    def __post_init__(self) -> None:
        quiet = 10 ** (NOISE_DBFS / 10)
        self.power = ([quiet] * self.seconds * TICKS, [quiet] * self.seconds * TICKS)

    def says(self, channel: int, start_ms: int, text: str, dbfs: float = SPEECH_DBFS) -> None:
        """Somebody says words on a channel; what is said on the second is heard on the first as well."""
        loudness = random.Random(f"{channel} {start_ms}")
        first, last = (ms * TICKS // 1000 for ms in (start_ms, start_ms + WORD_MS * len(text.split())))
        level_db = 0.0
        for tick in range(first, last):
            if tick % 6 == first % 6:  # a syllable
                level_db = loudness.uniform(-12, 3)
            power = 10 ** ((dbfs + level_db) / 10)
            self.power[channel][tick] += power
            if channel == 1:
                self.power[0][tick + self.lag_ms * TICKS // 1000] += power * 10 ** (self.gain_db / 10)

    def is_written(self, channel: int, start_ms: int, text: str) -> None:
        """The model writes words on a channel."""
        words = [
            Word(start_ms + at * WORD_MS, start_ms + (at + 1) * WORD_MS, f" {word}", 0.9)
            for at, word in enumerate(text.split())
        ]
        self.segments.append(Segment(start_ms, words[-1].end_ms, text, tuple(words), channel=channel))

    @property
    def levels(self) -> SideLevels:
        microphone, loopback = (bytes(as_byte(math.sqrt(it)) for it in side) for side in self.power)
        echo = b"".join(self._echo(second) for second in range(self.seconds))
        return SideLevels(TICKS, microphone, loopback, echo)

    def _echo(self, second: int) -> bytes:
        """The correlation of a second: the share of the first channel that comes from the second."""
        part = slice(second * TICKS, (second + 1) * TICKS)
        heard, own = sum(self.power[1][part]), sum(self.power[0][part])
        if heard < 1e-6 * TICKS:
            return echo_bytes(0.1, 7)
        share = min(1.0, math.sqrt(heard * 10 ** (self.gain_db / 10) / own))
        return echo_bytes(self.clarity * share, self.lag_ms)

    def texts(self) -> list[tuple[int | None, str]]:
        found = merged(self.segments, self.levels)
        assert [it.start_ms for it in found] == sorted(it.start_ms for it in found)
        return [(it.channel, it.text) for it in found]


QUESTION, ANSWER = "when could you start to work with us", "i could start at the beginning of next month"


def question_and_answer(**given: float) -> Scene:
    """The far side asks, the microphone hears that again, and then its owner answers."""
    scene = Scene(**given)  # type: ignore[arg-type]
    scene.says(1, 1_000, QUESTION)
    scene.says(0, 5_000, ANSWER)
    scene.says(1, 10_000, QUESTION)
    scene.is_written(1, 1_000, QUESTION)
    scene.is_written(0, 5_000, ANSWER)
    return scene


@pytest.mark.parametrize("gain_db", [-3, -12, -30])
@pytest.mark.parametrize("lag_ms", [0, 60, 200])
def test_an_echo_is_written_once(gain_db: float, lag_ms: int) -> None:
    scene = question_and_answer(gain_db=gain_db, lag_ms=lag_ms)
    scene.is_written(0, 1_000 + lag_ms, QUESTION)
    assert scene.texts() == [(1, QUESTION), (0, ANSWER)]


def test_an_echo_of_a_room_with_long_reverberation_is_written_once() -> None:
    scene = question_and_answer(clarity=0.4)
    scene.is_written(0, 1_060, QUESTION)
    assert scene.texts() == [(1, QUESTION), (0, ANSWER)]


def test_an_echo_whose_lag_drifts_is_written_once() -> None:
    scene = Scene(seconds=600)
    for start_ms in range(1_000, 590_000, 5_000):
        scene.lag_ms = 20 + start_ms // 5_000
        scene.says(1, start_ms, QUESTION)
        scene.is_written(1, start_ms, QUESTION)
        scene.is_written(0, start_ms + scene.lag_ms, QUESTION)
    echo = b"".join(echo_bytes(0.9, 20 + second // 5) for second in range(scene.seconds))
    found = merged(scene.segments, replace(scene.levels, echo=echo))
    assert {segment.channel for segment in found} == {1}


@pytest.mark.parametrize(
    "misheard",
    [
        "when could you start too work with us",
        "when could he starve to work with us",
        "where good you start towork with bus",
        "wind hood shoe smart two fork wit bus",
    ],
)
def test_an_echo_that_was_heard_wrongly_is_no_word_either(misheard: str) -> None:
    scene = question_and_answer()
    scene.is_written(0, 1_060, misheard)
    assert scene.texts() == [(1, QUESTION), (0, ANSWER)]


def test_an_echo_in_one_segment_with_own_words_leaves_the_own_words() -> None:
    scene = Scene()
    scene.says(1, 1_000, "is that right")
    scene.says(0, 1_960, "yes it is")
    scene.says(1, 6_000, QUESTION)
    scene.is_written(1, 1_000, "is that right")
    scene.is_written(0, 1_060, "is that right yes it is")
    (other, own) = merged(scene.segments, scene.levels)
    assert (other.text, own.text) == ("is that right", "yes it is")
    assert (own.start_ms, own.end_ms) == (1_960, 2_860)
    assert [word.text for word in own.words] == [" yes", " it", " is"]


@pytest.mark.parametrize("later_ms", [300, 800])
def test_who_repeats_the_other_a_moment_later_keeps_the_sentence(later_ms: int) -> None:
    scene = question_and_answer()
    start_ms = 10_000 + len(QUESTION.split()) * WORD_MS + later_ms
    scene.says(0, start_ms, QUESTION)
    scene.is_written(1, 10_000, QUESTION)
    scene.is_written(0, start_ms, QUESTION)
    assert scene.texts()[-1] == (0, QUESTION)


def test_who_says_the_same_at_the_same_time_keeps_it() -> None:
    scene = question_and_answer()
    scene.says(1, 15_000, "thank you very much")
    scene.says(0, 15_100, "thank you very much")
    scene.is_written(1, 15_000, "thank you very much")
    scene.is_written(0, 15_100, "thank you very much")
    assert scene.texts()[-2:] == [(1, "thank you very much"), (0, "thank you very much")]


@pytest.mark.parametrize("dbfs", [SPEECH_DBFS, SPEECH_DBFS - 6])
@pytest.mark.parametrize("gain_db", [-6, -20])
def test_who_talks_over_the_other_keeps_every_word(dbfs: float, gain_db: float) -> None:
    scene = question_and_answer(gain_db=gain_db)
    scene.says(0, 10_200, "no you have to wait for me to finish", dbfs)
    scene.is_written(1, 10_000, QUESTION)
    scene.is_written(0, 10_200, "no you have to wait for me to finish")
    assert scene.texts()[-1] == (0, "no you have to wait for me to finish")


def test_without_an_echo_the_same_words_on_both_sides_stay() -> None:
    scene = Scene(gain_db=-90)
    for channel, start_ms in ((1, 1_000), (0, 1_300), (1, 5_000), (0, 5_000)):
        scene.says(channel, start_ms, "thank you very much")
        scene.is_written(channel, start_ms, "thank you very much")
    assert len(scene.texts()) == 4


def test_an_echo_of_words_without_times_is_written_once() -> None:
    scene = question_and_answer()
    scene.is_written(0, 1_060, QUESTION)
    scene.segments = [_without_words(segment) for segment in scene.segments]
    assert scene.texts() == [(1, QUESTION), (0, ANSWER)]


def test_small_numbers_are_the_same_in_digits_and_in_words() -> None:
    scene = question_and_answer()
    scene.says(1, 16_000, "it is two four six")
    scene.is_written(1, 16_000, "it is two four six")
    scene.is_written(0, 16_060, "it is 2, 4, 6.")
    assert scene.texts()[-1] == (1, "it is two four six")


def test_equal_channels_are_written_once() -> None:
    scene = question_and_answer(gain_db=0, lag_ms=0)
    levels = scene.levels
    twins = SideLevels(TICKS, levels.loopback, levels.loopback, echo_bytes(1.0, 0) * scene.seconds)
    segments = _on(0, scene.segments) + _on(1, scene.segments)
    assert {segment.channel for segment in merged(segments, twins)} == {1}


def test_crosstalk_both_ways_is_written_once() -> None:
    scene = question_and_answer(gain_db=-15, lag_ms=0)
    for tick in range(len(scene.power[1])):
        scene.power[1][tick] += scene.power[0][tick] * 10 ** (-15 / 10)
    scene.is_written(0, 1_000, QUESTION)
    scene.is_written(1, 5_000, ANSWER)
    levels = scene.levels
    both = SideLevels(TICKS, levels.microphone, levels.loopback, echo_bytes(1.0, 0) * scene.seconds)
    assert [(it.channel, it.text) for it in merged(scene.segments, both)] == [(1, QUESTION), (0, ANSWER)]


def test_an_hour_is_merged_in_a_second() -> None:
    scene = Scene(seconds=3_600)
    for start_ms in range(1_000, 3_590_000, 6_000):
        scene.says(1, start_ms, QUESTION)
        scene.is_written(1, start_ms, QUESTION)
        scene.is_written(0, start_ms + 60, QUESTION)
    levels = scene.levels
    began = time.process_time()
    assert len(merged(scene.segments, levels)) == 599
    assert time.process_time() - began < 4  # 1 s on an idle core


def _without_words(segment: Segment) -> Segment:
    return Segment(segment.start_ms, segment.end_ms, segment.text, channel=segment.channel)


def _on(channel: int, segments: Sequence[Segment]) -> list[Segment]:
    return [Segment(it.start_ms, it.end_ms, it.text, it.words, channel=channel) for it in segments]
