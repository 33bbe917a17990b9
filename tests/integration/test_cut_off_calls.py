"""A call that ends in the middle of a word is transcribed up to there, and no further."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pytest

from tests.recognition import recognized, segments, tiny_model
from tests.voices import FAR, NEAR, speak


@pytest.mark.parametrize("samples", [148_000, 151_200])
def test_nothing_is_written_after_the_end(samples: int) -> None:
    both = zip_longest(speak(NEAR).samples, speak(FAR).samples, fillvalue=0.0)
    mixed = np.array([(near + far) / 2 for near, far in both], np.float32)

    found = segments(recognized(tiny_model(), mixed[:samples]))

    assert found
    assert [it.text for it in found if it.end_ms - it.start_ms < 100] == []
