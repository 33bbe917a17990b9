"""The noises that tests and measures are made with."""

from __future__ import annotations

import numpy as np
import pytest

from tests.noises import NOISES
from tests.voices import SAMPLE_RATE_HZ

SOUNDING = sorted(NOISES.keys() - {"silence"})


@pytest.mark.parametrize("name", NOISES)
def test_the_same_seed_makes_the_same_noise_of_the_length_asked_for(name: str):
    first, again = (NOISES[name](2.5, -30, 1) for _ in range(2))

    assert first.dtype == np.float32
    assert first.shape == (2.5 * SAMPLE_RATE_HZ,)
    assert np.array_equal(first, again)
    assert NOISES[name](0, -30, 1).shape == (0,)


@pytest.mark.parametrize("name", sorted(set(SOUNDING) - {"dial"}))
def test_another_seed_makes_another(name: str):
    assert not np.array_equal(NOISES[name](10, -30, 1), NOISES[name](10, -30, 2))


@pytest.mark.parametrize("dbfs", [-50, -30])
@pytest.mark.parametrize("name", SOUNDING)
def test_the_loudest_second_has_the_level(name: str, dbfs: float):
    seconds = np.square(NOISES[name](12, dbfs, 1).astype(np.float64)).reshape(12, -1).mean(axis=1)

    assert 10 * np.log10(seconds.max()) == pytest.approx(dbfs, abs=0.5)


def test_silence_is_silent_at_any_level():
    assert not NOISES["silence"](2, -10, 1).any()
