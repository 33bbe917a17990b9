"""Recognises samples in process, with the real model, for the tests of what is and what is not said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from shared.settings import RecordOptions
from shared.words import Segment
from tests.conftest import skip_or_fail
from transcribe_worker.engine.messages import Decoded
from transcribe_worker.model_files import bundled_folder
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.languages import Language
from transcribe_worker.recognition.pipeline import Recognition
from transcribe_worker.recognizer.transcription import decoded
from transcribe_worker.speech.stretches import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]
PARALLEL = 2


def tiny_model() -> WhisperModel:
    """The bundled model, with a lane for each batch at once."""
    folder = bundled_folder()
    if folder is None:
        skip_or_fail("the model tiny.en is not installed")
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=PARALLEL)


def recognition(
    model: Any,
    *,
    parallel: int = PARALLEL,
    batch_size: int = 8,
    language_found: Language | None = None,
    **options: Any,
) -> Recognition:
    """The recognition of one recording; `language_found` is what an earlier attempt has found."""
    return Recognition(
        lambda: model,
        replace(RecordOptions(), **options),
        parallel=parallel,
        batches=Batches(batch_size),
        check=lambda: None,
        language=language_found,
    )


def decoded_by(found: Recognition, samples: Samples, *, start: int = 0, done: int = 0) -> list[Decoded]:
    """The decoded stretches of a recording from a sample on."""
    return [decoded(it) for it in found.stretches(_blocks(samples, start), start=start, done=done)]


def recognized(
    model: WhisperModel, samples: Samples, *, start: int = 0, done: int = 0, **given: Any
) -> list[Decoded]:
    """The same for a model; `given` is what `recognition` takes."""
    return decoded_by(recognition(model, **given), samples, start=start, done=done)


def segments(stretches: list[Decoded]) -> list[Segment]:
    """All segments in them."""
    return [it for stretch in stretches for window in stretch.windows for it in window.segments]


def _blocks(samples: Samples, start: int) -> Iterator[Samples]:
    for at in range(start, len(samples), SAMPLE_RATE_HZ):
        yield samples[at : at + SAMPLE_RATE_HZ]
