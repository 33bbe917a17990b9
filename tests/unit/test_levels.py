"""How loud each side is: now, and tick by tick."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.levels import TICK_FRAMES, Level, Loudness, Meter
from capture_worker.samples import RATE_HZ, Pair
from shared.loudness import QUIETEST_BYTE, SideLevels, as_byte, dbfs, echo_bytes, echo_of

Samples = NDArray[np.float32]


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def noise(seconds: float, at_dbfs: float, seed: int = 1) -> Samples:
    """White noise: whatever its level, a steady one."""
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))
    return (samples * 10 ** (at_dbfs / 20)).astype(np.float32)


def speech(seconds: float, at_dbfs: float = -20.0, over_dbfs: float = -60.0) -> Samples:
    """Words of 0.6 s and pauses of 0.4 s, over the noise of a room."""
    words = noise(seconds, at_dbfs)
    words[np.arange(len(words)) / RATE_HZ % 1.0 > 0.6] = 0
    return words + noise(seconds, over_dbfs, seed=2)


def heard(microphone: Samples, loopback: Samples, silence_dbfs: float = -50.0) -> Loudness:
    loudness = Loudness(silence_dbfs)
    loudness.add(Pair(microphone, loopback))
    return loudness


# The meter


def test_the_meter_shows_the_mean_and_the_peak_of_each_side():
    meter = Meter()
    meter.add(MICROPHONE, np.array([0.5, -0.5], np.float32))
    meter.add(MICROPHONE, np.array([0.5, -0.5, 0.5, -0.5], np.float32))
    meter.add(LOOPBACK, np.array([0.0, 0.0, 0.0, -0.8], np.float32))

    levels = meter.read(12.345)

    assert levels.microphone == Level(0.5, 0.5)
    assert (levels.loopback.rms, levels.loopback.peak) == (pytest.approx(0.4), pytest.approx(0.8))
    assert levels.seconds == 12.345


def test_the_meter_begins_anew_each_time_it_is_read():
    meter = Meter()
    meter.add(MICROPHONE, np.ones(10, np.float32))
    meter.read(0.1)
    meter.add(LOOPBACK, np.full(10, 0.25, np.float32))

    levels = meter.read(0.2)

    assert (levels.microphone, levels.loopback) == (Level(0.0, 0.0), Level(0.25, 0.25))


def test_a_side_without_audio_shows_nothing():
    meter = Meter()
    meter.add(LOOPBACK, np.zeros(0, np.float32))

    levels = meter.read(0.0)

    assert levels.microphone == levels.loopback == Level(0.0, 0.0)


def test_levels_are_told_in_the_words_of_the_protocol():
    meter = Meter()
    meter.add(MICROPHONE, np.array([0.1, -0.1, 0.1, -0.30004], np.float32))

    assert meter.read(1.23456).as_event() == {
        "type": "level",
        "mic": 0.1732,
        "loopback": 0.0,
        "mic_peak": 0.3,
        "loopback_peak": 0.0,
        "seconds": 1.23,
    }


# A byte of loudness


@given(st.floats(-127, 0))
def test_a_loudness_is_read_as_it_was_written_to_a_quarter_of_a_decibel(decibels: float):
    assert dbfs(as_byte(10 ** (decibels / 20))) == pytest.approx(decibels, abs=0.25 + 1e-9)


@given(st.floats(0, 4), st.floats(0, 4))
def test_what_is_louder_is_never_written_as_quieter(one: float, other: float):
    quieter, louder = sorted([one, other])

    assert as_byte(louder) <= as_byte(quieter)


def test_every_byte_is_read_and_written_as_itself():
    loudnesses = [dbfs(loudness) for loudness in range(256)]

    assert [as_byte(10 ** (loudness / 20)) for loudness in loudnesses] == list(range(256))
    assert all(louder - quieter == 0.5 for louder, quieter in pairwise(loudnesses))


def test_what_is_beyond_the_scale_is_written_as_its_end():
    assert [as_byte(rms) for rms in (0.0, 1e-30, 1.0, 1.4)] == [QUIETEST_BYTE, QUIETEST_BYTE, 0, 0]


# Tick by tick


@given(st.lists(st.integers(0, 4_000), max_size=12))
def test_there_are_fifty_bytes_a_second_in_whole_tenths_however_the_audio_comes(cuts: list[int]):
    microphone, loopback = speech(1.23), noise(1.23, -30)
    pieces = [
        np.split(side, [cut for cut in np.cumsum(cuts) if cut < len(side)]) for side in (microphone, loopback)
    ]
    loudness = Loudness(-50.0)
    for piece in zip(*pieces, strict=True):
        loudness.add(Pair(*piece))

    at_once = heard(microphone, loopback)
    assert loudness.ticks == at_once.ticks == 60
    assert loudness.between(0, 60) == at_once.between(0, 60)
    assert silence_shares(loudness) == silence_shares(at_once)
    levels = loudness.between(0, 99)
    assert (len(levels.microphone), len(levels.loopback), levels.ticks_per_second) == (60, 60, 50)


def test_each_tick_is_the_loudness_of_its_own_fiftieth_of_a_second():
    steps = [1.0, 0.5, 0.1, 0.001, 0.0]
    samples = np.repeat(np.array(steps, np.float32), TICK_FRAMES)

    levels = heard(samples, samples[::-1]).between(0, 5)

    expected = [as_byte(step) for step in steps]
    assert list(levels.microphone) == expected == [0, 12, 40, 120, 255]
    assert list(levels.loopback) == expected[::-1]


@given(st.lists(st.floats(-140, 0), min_size=5, max_size=5))
def test_a_tick_is_written_as_its_root_mean_square_would_be(decibels: list[float]):
    steps = np.repeat(10 ** (np.array(decibels) / 20), TICK_FRAMES).astype(np.float32)

    levels = heard(steps, steps).between(0, 5)

    expected = [as_byte(10 ** (it / 20)) for it in decibels]
    assert all(abs(one - other) <= 1 for one, other in zip(levels.microphone, expected, strict=True))


def test_a_stretch_can_be_read_by_itself_with_the_echo_of_its_seconds():
    loudness = heard(speech(4), noise(4, -30))

    whole, part = loudness.between(0, 200), loudness.between(50, 150)
    assert part == SideLevels(50, whole.microphone[50:150], whole.loopback[50:150], whole.echo[2:6])


def test_a_second_has_its_echo_as_soon_as_its_ticks_are_counted():
    loudness = Loudness(-50.0)
    for _ in range(25):
        loudness.add(Pair(speech(0.1), noise(0.1, -30)))
        seconds = loudness.ticks // 50
        assert len(loudness.between(0, loudness.ticks).echo) == 2 * seconds


def test_an_hour_is_kept_in_less_than_half_a_megabyte():
    minute = heard(speech(60), noise(60, -30)).between(0, 3000)

    assert 60 * (len(minute.microphone) + len(minute.loopback) + len(minute.echo)) < 500_000


# Silence, in tenths of a second


def silence_shares(loudness: Loudness) -> dict[str, float]:
    return {side: round(loudness.silence_share(side), 3) for side in SIDES}


def test_tenths_below_the_threshold_count_as_silent_for_each_side():
    loudness = heard(
        np.concatenate([noise(1, -55), noise(2, -45)]), np.concatenate([noise(2.5, -55), noise(0.5, -45)])
    )

    assert silence_shares(loudness) == {MICROPHONE: 0.333, LOOPBACK: 0.833}


def test_a_pause_of_a_fiftieth_of_a_second_is_not_silence():
    words = noise(2, -30)
    words.reshape(-1, 5, TICK_FRAMES)[:, 2] = 0

    assert silence_shares(heard(words, words)) == {MICROPHONE: 0.0, LOOPBACK: 0.0}


@pytest.mark.parametrize("threshold_dbfs", [-60.0, -50.0, -30.0])
def test_the_threshold_itself_is_silent_and_half_a_decibel_more_is_not(threshold_dbfs: float):
    def steady(at_dbfs: float) -> Samples:
        return np.full(RATE_HZ, 10 ** (at_dbfs / 20), np.float32)

    loudness = heard(steady(threshold_dbfs), steady(threshold_dbfs + 0.5), threshold_dbfs)

    assert silence_shares(loudness) == {MICROPHONE: 1.0, LOOPBACK: 0.0}


def test_nothing_recorded_is_not_silence():
    assert silence_shares(Loudness(-50.0)) == {MICROPHONE: 0.0, LOOPBACK: 0.0}


def test_the_silence_of_both_sides_counts_up_to_now_and_ends_with_any_sound():
    loudness = heard(silence(2), silence(2))
    assert loudness.both_silent_seconds == 2
    loudness.add(Pair(silence(0.1), noise(0.1, -20)))
    assert loudness.both_silent_seconds == 0
    loudness.add(Pair(silence(0.3), silence(0.3)))
    assert loudness.both_silent_seconds == pytest.approx(0.3)
    loudness.add(Pair(noise(1, -20), silence(1)))
    assert loudness.both_silent_seconds == 0


# A loopback that may be the wrong device


def test_a_silent_loopback_is_suspicious_after_15_s_in_which_somebody_spoke():
    assert not heard(speech(14.9), silence(14.9)).loopback_is_suspicious()
    assert heard(speech(15), silence(15)).loopback_is_suspicious()
    assert heard(speech(40), silence(40)).loopback_is_suspicious()


def test_a_faint_hiss_on_the_loopback_is_silence():
    assert heard(speech(20), noise(20, -70)).loopback_is_suspicious()


def test_a_quiet_voice_in_a_quiet_room_is_speech():
    assert heard(speech(20, -42, over_dbfs=-75), silence(20)).loopback_is_suspicious()


def test_a_voice_over_the_noise_of_a_fan_is_speech():
    assert heard(speech(20, -20, over_dbfs=-42), silence(20)).loopback_is_suspicious()


@pytest.mark.parametrize("at_dbfs", [-75, -48, -30, -10])
def test_steady_noise_is_no_speech(at_dbfs: float):
    assert not heard(noise(30, at_dbfs), silence(30)).loopback_is_suspicious()


def test_a_hum_that_swells_is_no_speech():
    hum = noise(30, -30) * (1 + 0.4 * np.sin(np.arange(30 * RATE_HZ) / RATE_HZ * math.tau / 8))

    assert not heard(hum.astype(np.float32), silence(30)).loopback_is_suspicious()


def test_a_door_that_slams_is_no_speech():
    microphone = noise(20, -60)
    microphone[8 * RATE_HZ :][: RATE_HZ // 2] += noise(0.5, -10)

    assert not heard(microphone, silence(20)).loopback_is_suspicious()


def test_while_nobody_speaks_nothing_is_suspicious():
    assert not heard(silence(60), silence(60)).loopback_is_suspicious()


def test_a_word_from_the_other_side_takes_the_suspicion_away_for_15_s():
    loudness = heard(speech(20), silence(20))
    loudness.add(Pair(speech(0.2), noise(0.2, -30)))
    assert not loudness.loopback_is_suspicious()
    loudness.add(Pair(speech(14.7), silence(14.7)))
    assert not loudness.loopback_is_suspicious()
    loudness.add(Pair(speech(0.5), silence(0.5)))
    assert loudness.loopback_is_suspicious()


def test_speech_of_long_ago_is_not_suspicious_now():
    assert not heard(np.concatenate([speech(20), silence(16)]), silence(36)).loopback_is_suspicious()


@pytest.mark.parametrize(("correlation", "lag_ms"), [(0.0, -50), (0.5, 0), (1.0, 205)])
def test_the_echo_of_a_second_is_read_as_it_was_measured(correlation: float, lag_ms: int) -> None:
    levels = SideLevels(50, b"", b"", b"\0\0" + echo_bytes(correlation, lag_ms))
    read = echo_of(levels, 1)
    assert read
    assert read == (pytest.approx(correlation, abs=1 / 500), lag_ms)
    assert echo_of(levels, 2) is None
