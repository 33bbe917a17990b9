"""The speed of a model, by which a call is no longer transcribed live."""

from __future__ import annotations

from itertools import count

import numpy as np

from shared.settings import RecordOptions
from tests.recognition import tiny_model
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.pipeline import SHORTEST_FOR_SPEED_SECONDS, Recognition
from transcribe_worker.speech.stretches import Window
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

HOUR_SECONDS = 3600.0


def test_a_model_is_not_slow_because_the_queue_was_paused_while_it_decoded() -> None:
    model, paused, steps = tiny_model(), [0.0], count()

    def check() -> None:
        paused[0] += HOUR_SECONDS

    found = Recognition(
        lambda: model,
        RecordOptions(),
        parallel=0,
        batches=Batches(8),
        check=check,
        monotonic=lambda: paused[0] + next(steps) / 100,
    )
    half = np.zeros(round(SHORTEST_FOR_SPEED_SECONDS / 2) * SAMPLE_RATE_HZ, np.float32)
    for start in (0, len(half)):
        found.decode_early(Window(start, half, ()), None)
    assert paused[0] >= HOUR_SECONDS
    assert found.speed
    assert found.speed > 100
