"""How alike the two sides are each second, and how much later the microphone is."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from capture_worker.echo import Echo
from capture_worker.samples import RATE_HZ, Pair
from shared.loudness import SideLevels, echo_of
from tests.voices import NEAR, SHORT_CALL, speak

Samples = NDArray[np.float32]


def voice(seconds: float) -> Samples:
    return np.resize(speak(SHORT_CALL[:4], pause_seconds=(0.0, 0.0)).samples, round(seconds * RATE_HZ))


def another_voice(seconds: float) -> Samples:
    return np.resize(speak(NEAR, pause_seconds=(0.0, 0.0)).samples, round(seconds * RATE_HZ))[::-1]


def later(samples: Samples, milliseconds: float) -> Samples:
    """The same samples, so much later, or earlier, at the same length."""
    frames = round(milliseconds * RATE_HZ / 1000)
    moved = np.roll(samples, frames)
    if frames >= 0:
        moved[:frames] = 0
    else:
        moved[frames:] = 0
    return moved


def measured(microphone: Samples, loopback: Samples, frames_at_once: int = 1600) -> list[tuple[float, int]]:
    """The correlation and lag of each second."""
    echo = Echo()
    for at in range(0, len(microphone), frames_at_once):
        echo.add(Pair(microphone[at : at + frames_at_once], loopback[at : at + frames_at_once]))
    levels = SideLevels(50, b"", b"", echo.measured())
    found = [echo_of(levels, second) for second in range(len(levels.echo) // 2)]
    return [it for it in found if it]


@pytest.mark.parametrize("lag_ms", [-50, -20, 0, 1, 37, 120, 205])
@pytest.mark.parametrize("gain_db", [-3, -30])
def test_the_lag_of_an_echo_is_found_to_the_millisecond_also_a_faint_one(lag_ms: int, gain_db: int) -> None:
    far = voice(4)

    seconds = measured(later(far, lag_ms) * np.float32(10 ** (gain_db / 20)), far)

    assert len(seconds) == 4
    assert {lag for _, lag in seconds[1:]} == {lag_ms}
    assert min(correlation for correlation, _ in seconds[1:]) > 0.9


def test_an_echo_of_the_other_polarity_is_one_too() -> None:
    assert min(correlation for correlation, _ in measured(-later(voice(3), 40), voice(3))[1:]) > 0.9


def test_two_voices_at_once_correlate_little() -> None:
    assert max(correlation for correlation, _ in measured(another_voice(10), voice(10))) < 0.4


def test_an_echo_below_a_voice_as_loud_is_found() -> None:
    far = voice(6)

    seconds = measured(another_voice(6) * np.float32(0.5) + later(far, 60) * np.float32(0.5), far)

    lags = [lag for _, lag in seconds]
    assert max(lags.count(lag) for lag in (59, 60, 61)) >= 4


def test_a_silent_side_has_no_echo() -> None:
    nothing = np.zeros(2 * RATE_HZ, np.float32)

    assert measured(nothing, voice(2)) == measured(voice(2), nothing) == [(0.0, 0), (0.0, 0)]


@given(st.integers(1, 40_000))
def test_the_echo_is_the_same_however_the_audio_comes(frames_at_once: int) -> None:
    far = voice(2.5)
    near = later(far, 30)

    assert measured(near, far, frames_at_once) == measured(near, far, len(far))


def test_the_echo_can_be_read_while_another_thread_adds() -> None:
    far = voice(20)
    near, echo = later(far, 30), Echo()

    def add() -> None:
        for at in range(0, len(far), 1600):
            echo.add(Pair(near[at : at + 1600], far[at : at + 1600]))

    adding = threading.Thread(target=add)
    adding.start()
    read = [b""]
    while adding.is_alive():
        read.append(echo.measured())
    adding.join()

    whole = echo.measured()
    assert len(whole) == 2 * 20
    assert all(whole.startswith(part) for part in read)
    assert {lag for _, lag in measured(near, far)[1:]} == {30}


@given(st.lists(st.sampled_from([0.0, 1e-30, 1e-6, -1.0, 1.0]), min_size=1, max_size=8))
def test_any_samples_have_an_echo_of_two_bytes_a_second(values: list[float]) -> None:
    samples = np.resize(np.array(values, np.float32), RATE_HZ)

    ((correlation, _),) = measured(samples, samples[::-1])
    assert 0 <= correlation <= 1
