"""What is as loud as speech over the noise around it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.noises import NOISES
from transcribe_worker.speech.energy import loud_spans, union, without_rumble
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ, Span


def noise(dbfs: float, seconds: float) -> NDArray[np.float32]:
    samples = np.random.default_rng(1).standard_normal(round(seconds * SAMPLE_RATE_HZ))
    return (samples * 10 ** (dbfs / 20)).astype(np.float32)


def sine(hertz: float, seconds: float) -> NDArray[np.float32]:
    times = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return np.sin(2 * np.pi * hertz * times).astype(np.float32)


def with_a_murmur(at_seconds: float, seconds: float, dbfs: float) -> NDArray[np.float32]:
    """Half a minute of faint noise, and something louder in it."""
    samples = noise(-60, 30)
    first = round(at_seconds * SAMPLE_RATE_HZ)
    samples[first : first + round(seconds * SAMPLE_RATE_HZ)] += noise(dbfs, seconds)
    return samples


def test_a_faint_voice_over_the_noise_is_found_with_its_edges():
    (span,) = loud_spans(with_a_murmur(10, 2, dbfs=-48), [])
    assert 9.7 < span.start / SAMPLE_RATE_HZ <= 10.0
    assert 12.0 <= span.end / SAMPLE_RATE_HZ < 12.3


def test_what_is_hardly_louder_than_the_noise_is_not_found():
    assert loud_spans(with_a_murmur(10, 2, dbfs=-60), []) == []


def test_a_click_is_too_short():
    assert loud_spans(with_a_murmur(10, 0.1, dbfs=-20), []) == []


def test_what_is_known_for_speech_is_not_found_a_second_time():
    samples = with_a_murmur(10, 2, dbfs=-48)
    assert loud_spans(samples, [Span(9 * SAMPLE_RATE_HZ, 13 * SAMPLE_RATE_HZ)]) == []


def test_steady_noise_and_digital_silence_have_nothing_in_them():
    assert loud_spans(noise(-20, 60), []) == []
    assert loud_spans(np.zeros(60 * SAMPLE_RATE_HZ, np.float32), []) == []
    assert loud_spans(np.zeros(0, np.float32), []) == []


@pytest.mark.parametrize("name", ["white", "pink", "room", "hum", "dial"])
@pytest.mark.parametrize("dbfs", [-50, -15])
def test_rumble_that_comes_and_goes_is_no_voice(name: str, dbfs: float):
    assert loud_spans(NOISES[name](60, dbfs, 1), []) == []


def test_a_voice_is_found_under_louder_rumble():
    rumble = sine(25, seconds=30) * 0.01
    (span,) = loud_spans(with_a_murmur(10, 2, dbfs=-48) + rumble, [])
    assert 9.7 < span.start / SAMPLE_RATE_HZ <= 10.0
    assert 12.0 <= span.end / SAMPLE_RATE_HZ < 12.3


@pytest.mark.parametrize(
    ("hertz", "least_db", "most_db"), [(20, -40, -20), (100, -1, 1), (150, -1, 2), (440, -1, 2)]
)
def test_only_what_is_lower_than_a_voice_is_taken_out(hertz: float, least_db: float, most_db: float):
    tone = sine(hertz, seconds=2)
    left = without_rumble(tone)[1600:-1600]
    assert left.dtype == np.float32
    assert least_db < 20 * np.log10(left.std() / tone.std()) < most_db


def test_less_than_a_swing_is_left_as_it_is():
    assert without_rumble(np.ones(3, np.float32)).tolist() == [1, 1, 1]


@given(st.integers(0, 3 * SAMPLE_RATE_HZ), st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_spans_are_in_order_within_the_samples_and_apart(length: int, seed: int):
    samples = np.random.default_rng(seed).standard_normal(length).astype(np.float32) ** 5 * 0.01
    found = loud_spans(samples, [])
    assert all(0 <= span.start < span.end <= length for span in found)
    assert union(found) == sorted(union(found), key=lambda span: span.start)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), max_size=12))
def test_a_union_covers_the_same_and_has_gaps(places: list[tuple[int, int]]):
    spans = [Span(start, start + length) for start, length in places]
    together = union(spans)
    covered = {at for span in spans for at in range(span.start, span.end)}
    assert {at for span in together for at in range(span.start, span.end)} == covered
    assert all(earlier.end < later.start for earlier, later in pairwise(together))
