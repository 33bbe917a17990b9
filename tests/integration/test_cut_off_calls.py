"""A call that ends in the middle of a word is transcribed up to there, and no further."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pytest

from tests.recognition import recognized, segments, tiny_model
from tests.voices import Turn, speak

NEAR = (
    Turn("laura", "Good morning. I have read your application, and I would like to ask you some questions."),
    Turn("laura", "Thank you. When could you start to work with us?"),
)
FAR = (
    Turn("joe", "Good morning. It is nice to hear from you. Please go ahead."),
    Turn("joe", "I could start at the beginning of next month."),
)


@pytest.mark.parametrize("samples", [148_000, 151_200])
def test_nothing_is_written_after_the_end(samples: int) -> None:
    both = zip_longest(speak(NEAR).samples, speak(FAR).samples, fillvalue=0.0)
    mixed = np.array([(near + far) / 2 for near, far in both], np.float32)

    found = segments(recognized(tiny_model(), mixed[:samples]))

    assert found
    assert [it.text for it in found if it.end_ms - it.start_ms < 100] == []
