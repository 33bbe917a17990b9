"""Which recordings of two channels have a side on each, decided by how loud each channel is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.noises import NOISES, Samples
from tests.two_channels import Pair, echoing, leaking, talk, with_noise
from tests.voices import LONG_CALL, SAMPLE_RATE_HZ, Turn
from transcribe_worker.speech.sides import Sides, sides

CALL = talk(LONG_CALL[:10]).samples
VOICES: Samples = CALL.sum(axis=0)
SECONDS = len(VOICES) / SAMPLE_RATE_HZ


def decided(samples: Pair) -> Sides:
    return sides(_blocks(samples))


def _blocks(samples: Pair) -> Iterator[Pair]:
    for start in range(0, samples.shape[1], 7_000):
        yield samples[:, start : start + 7_000]


def quieter(samples: Samples, db: float) -> Samples:
    return (samples * 10 ** (-db / 20)).astype(np.float32)


def pair(left: Samples, right: Samples) -> Pair:
    return np.stack([left, right]).astype(np.float32)


@pytest.mark.parametrize("noise_db", [90, 45])
@pytest.mark.parametrize("crosstalk_db", [None, -40, -15])
@pytest.mark.parametrize("second_quieter_db", [0, 12])
def test_a_call_with_a_side_on_each_channel_has_two(
    noise_db: float, crosstalk_db: float | None, second_quieter_db: float
) -> None:
    sides_apart = pair(CALL[0], quieter(CALL[1], second_quieter_db))
    leaked = leaking(sides_apart, crosstalk_db, crosstalk_db)
    assert decided(with_noise(leaked, noise_db)) is Sides.BOTH


@pytest.mark.parametrize(("gain_db", "lag_ms"), [(-3, 20), (-3, 150), (-6, 60), (-15, 100)])
def test_two_sides_stay_two_where_one_hears_the_echo_of_the_other(gain_db: float, lag_ms: float) -> None:
    assert decided(with_noise(echoing(CALL, gain_db, lag_ms, room_seconds=0.3))) is Sides.BOTH


@pytest.mark.parametrize("over_seconds", [1, 2, 4])
def test_two_sides_that_interrupt_each_other_are_two(over_seconds: float) -> None:
    samples = talk(LONG_CALL[:10], over_seconds=over_seconds).samples
    assert decided(with_noise(samples)) is Sides.BOTH


@pytest.mark.parametrize(
    "turns",
    [
        [Turn("laura", "Hello?"), Turn("joe", "Hello.")],
        [Turn("joe", "Could you start in January?"), Turn("laura", "I think so.")],
    ],
)
def test_a_question_and_an_answer_are_two_sides(turns: list[Turn]) -> None:
    assert decided(with_noise(talk(turns).samples)) is Sides.BOTH


def test_one_answer_after_a_long_talk_is_a_side() -> None:
    lecture = pair(VOICES, 0 * VOICES)
    answer = talk([Turn("joe", "Thank you very much for your time. I enjoyed our conversation.")]).samples
    assert decided(with_noise(np.concatenate([lecture, lecture, answer], axis=1))) is Sides.BOTH


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("db", [0, 3, 6])
def test_a_copy_or_an_inverse_copy_is_no_side(sign: int, db: float) -> None:
    assert decided(with_noise(pair(VOICES, sign * quieter(VOICES, db)), 70)) is Sides.ONE


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("db", [12, 15, 20])
def test_of_a_channel_and_a_faint_copy_the_louder_one_is_taken(sign: int, db: float) -> None:
    assert decided(with_noise(pair(VOICES, sign * quieter(VOICES, db)), 70)) is Sides.LEFT
    assert decided(with_noise(pair(sign * quieter(VOICES, db), VOICES), 70)) is Sides.RIGHT


@pytest.mark.parametrize("delay_ms", [1, 10, 30, 100])
def test_a_delayed_copy_is_no_side(delay_ms: int) -> None:
    later = np.roll(VOICES, delay_ms * SAMPLE_RATE_HZ // 1000)
    assert decided(with_noise(pair(VOICES, later))) is Sides.ONE


@pytest.mark.parametrize("panned_db", [0, 3, 6])
def test_a_room_in_stereo_is_one(panned_db: float) -> None:
    assert decided(with_noise(leaking(CALL, -panned_db, -panned_db), 50)) is Sides.ONE


@pytest.mark.parametrize("noise", ["silence", "white", "pink", "room", "hum", "music"])
def test_a_channel_without_a_voice_is_left_out(noise: str) -> None:
    nobody = NOISES[noise](SECONDS + 1, -50, 1)[: len(VOICES)]
    assert decided(with_noise(pair(VOICES, nobody), 80)) is Sides.LEFT
    assert decided(with_noise(pair(nobody, VOICES), 80)) is Sides.RIGHT


@pytest.mark.parametrize("noise", ["white", "hum", "music", "room"])
def test_a_noise_in_stereo_is_one(noise: str) -> None:
    assert decided(pair(*(NOISES[noise](30, -20, seed) for seed in (1, 2)))) is Sides.ONE


@pytest.mark.parametrize("samples", [np.zeros((2, 0)), np.zeros((2, 100)), np.zeros((2, 160_000))])
def test_silence_is_one(samples: Pair) -> None:
    assert decided(samples.astype(np.float32)) is Sides.ONE


def test_no_more_is_read_than_is_needed() -> None:
    read = 0

    def hours() -> Iterator[Pair]:
        nonlocal read
        while True:
            read += CALL.shape[1]
            yield CALL

    assert sides(hours()) is Sides.BOTH
    assert read < 3 * 60 * SAMPLE_RATE_HZ


def test_the_blocks_make_no_difference() -> None:
    samples = with_noise(leaking(CALL, -15, -15))
    assert sides([samples]) == decided(samples)
