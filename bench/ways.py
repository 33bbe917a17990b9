"""The ways from samples to words, in process and with one model: offhook's presets, and three loops."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from faster_whisper import WhisperModel

from bench.corpora import Samples
from bench.peers import LOOPS
from shared.settings import RecordOptions
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.pipeline import Recognition
from transcribe_worker.recognition.presets import PRESETS
from transcribe_worker.speech.stretches import SAMPLE_RATE_HZ

#: The batches of an engine on a CPU with a small model. Their size changes memory and no word.
BATCH_SIZE = 8
BLOCK_FRAMES = SAMPLE_RATE_HZ // 2
DEFAULT = "WhisperModel"


@dataclass(frozen=True)
class Transcript:
    """A text, and `(word, probability)` of its words where the way gives them."""

    text: str
    words: tuple[tuple[str, float], ...] = ()


def load(folder: Path) -> WhisperModel:
    """Load a model on the CPU, int8, which decodes on each core at once."""
    cores = os.cpu_count() or 1
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=cores)


def by_offhook(preset: str, model: WhisperModel, samples: Samples) -> Transcript:
    """Recognise samples as the engine does."""
    recognition = Recognition(
        lambda: model,
        replace(RecordOptions(), preset=preset, language="en"),
        parallel=1,
        batches=Batches(BATCH_SIZE),
        check=lambda: None,
    )
    stretches = recognition.stretches(_blocks(samples), start=0, done=0)
    segments = [it for stretch in stretches for window in stretch.segments for it in window]
    words = tuple((word.text, word.probability) for it in segments for word in it.words)
    return Transcript(" ".join(it.text for it in segments), words)


def by_a_loop(
    transcribe: Callable[[WhisperModel, Any], Any], model: WhisperModel, samples: Samples
) -> Transcript:
    """Recognise samples with faster-whisper alone."""
    segments, _ = transcribe(model, samples)
    return Transcript(" ".join(segment.text.strip() for segment in segments))


def _blocks(samples: Samples) -> Iterator[Samples]:
    for at in range(0, len(samples), BLOCK_FRAMES):
        yield samples[at : at + BLOCK_FRAMES]


Way = Callable[[WhisperModel, Samples], Transcript]
WAYS: dict[str, Way] = {
    **{f"offhook {preset}": partial(by_offhook, preset) for preset in PRESETS},
    DEFAULT: partial(by_a_loop, LOOPS["transcribe"]),
    f"{DEFAULT}, vad_filter": partial(
        by_a_loop, lambda model, samples: model.transcribe(samples, language="en", vad_filter=True)
    ),
    "BatchedInferencePipeline": partial(by_a_loop, LOOPS["batched"]),
}
