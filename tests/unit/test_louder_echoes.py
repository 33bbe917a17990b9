"""A far side that is quiet on its line and loud from a loudspeaker keeps its words."""

from __future__ import annotations

import pytest

from tests.unit.test_echoes import ANSWER, QUESTION, question_and_answer


@pytest.mark.parametrize("gain_db", [3, 6, 12])
@pytest.mark.parametrize("lag_ms", [20, 60, 200])
def test_an_echo_that_is_louder_than_the_far_side_is_not_taken_for_its_source(
    gain_db: float, lag_ms: int
) -> None:
    scene = question_and_answer(gain_db=gain_db, lag_ms=lag_ms)
    scene.is_written(0, 1_000 + lag_ms, QUESTION)
    assert scene.texts() == [(1, QUESTION), (0, ANSWER)]
