"""A few milliseconds of speech are no error, however they are decoded."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper import WhisperModel

from tests.recognition import recognized, tiny_model
from tests.voices import Call
from transcribe_worker.speech.stretches import SAMPLE_RATE_HZ


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return tiny_model()


@pytest.mark.parametrize("vad", [True, False])
@pytest.mark.parametrize(
    "milliseconds", [1, 10, 20, 40, *(pytest.param(ms, marks=pytest.mark.long) for ms in (5, 15, 19, 25))]
)
def test_a_few_milliseconds_are_decoded_to_their_end(
    model: WhisperModel, short_call: Call, milliseconds: int, vad: bool
) -> None:
    loudest = int(np.abs(short_call.samples).argmax())
    samples = short_call.samples[loudest : loudest + milliseconds * SAMPLE_RATE_HZ // 1_000]
    found = recognized(model, samples, vad=vad)
    assert found[-1].end_seconds == pytest.approx(len(samples) / SAMPLE_RATE_HZ)
