"""The interval of a difference between two ways, in cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from bench.bootstrap import interval
from bench.mistakes import Mistakes


def of(*wrong: int, words: int = 10) -> list[Mistakes]:
    return [Mistakes(words, deleted=count) for count in wrong]


def test_the_same_difference_in_every_recording_is_certain() -> None:
    assert interval(of(2, 3, 4, 5, 6), of(1, 2, 3, 4, 5)) == (10, 10)


def test_a_difference_by_chance_has_the_interval_of_its_binomial_distribution() -> None:
    """One wrong word more in each second of 100 recordings: 5 points, with a deviation of 0.5."""
    low, high = interval(of(*[1, 0] * 50), of(*[0] * 100)) or (0.0, 0.0)
    assert (low, high) == pytest.approx((5 - 1.96 * 0.5, 5 + 1.96 * 0.5), abs=0.12)


def test_recordings_are_drawn_in_pairs() -> None:
    """Recordings differ much more than the two ways do."""
    hard = np.random.default_rng(2).integers(0, 90, 50).tolist()
    assert interval(of(*hard, words=100), of(*hard, words=100)) == (0, 0)


def test_long_recordings_count_by_their_words() -> None:
    own = [*of(0, 0, 0, 0, words=1), *of(100, words=1000)]
    low, high = interval(own, [*of(0, 0, 0, 0, words=1), *of(0, words=1000)]) or (0.0, 0.0)
    assert low == 0
    assert high == pytest.approx(10, abs=0.1)


def test_the_same_seed_gives_the_same_interval_and_few_recordings_give_none() -> None:
    own, other = of(1, 2, 0, 4, 1, 0), of(0, 2, 1, 1, 1, 1)
    assert interval(own, other) == interval(own, other)
    assert interval(own[:4], other[:4]) is None
