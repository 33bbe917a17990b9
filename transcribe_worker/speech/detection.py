"""Detects speech in a stretch of samples with Silero, float32 of shape (frames,), 16 kHz."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps, get_vad_model
from numpy.typing import NDArray

from transcribe_worker.speech.energy import loud_spans
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ, Span

Samples = NDArray[np.float32]

#: Frames of 32 ms that Silero gets at once. All 3,750 of two minutes take 40 MB more, and are not faster.
FRAMES_AT_ONCE = 1000
#: Samples that are evened out at once, to bound the memory of their gains in double precision.
EVENED_AT_ONCE = 10 * SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Heard:
    """Spans to decode: detected speech, and others that are as loud as speech."""

    speech: list[Span]
    loud: list[Span]


def detect_speech(samples: Samples) -> Heard:
    """Find speech, and what is as loud as speech."""
    speech = speech_spans(samples)
    return Heard(speech, loud_spans(samples, speech))


def speech_spans(samples: Samples) -> list[Span]:
    """Find speech with Silero, after evening out the level.

    At its default threshold Silero misses most of a quiet, hoarse voice. With a level of -20 dBFS and a lower
    threshold it finds that voice. Windows are cut from the audio at its original level.
    """
    _limit_batches()
    options = VadOptions(threshold=0.3, min_silence_duration_ms=500, speech_pad_ms=300)
    found = get_speech_timestamps(evened(samples), options, SAMPLE_RATE_HZ)
    return [Span(int(span["start"]), int(span["end"])) for span in found]


def all_of_it(samples: Samples) -> Heard:
    """Treat everything as speech, for `vad = false`."""
    return Heard([Span(0, len(samples))] if len(samples) else [], [])


def evened(samples: Samples, *, target_dbfs: float = -20.0, most_gain: float = 30.0) -> Samples:
    """Bring the loudness of each second to `target_dbfs`, with a gain between 1 and `most_gain`.

    What follows the first whole seconds of some samples changes the gains of their last half second only, so
    speech is found in the beginning of a stretch as in the whole.
    """
    starts = _seconds(len(samples))
    parts = [samples[start : start + SAMPLE_RATE_HZ] for start in starts]
    rms = np.array([np.sqrt(np.mean(np.square(part))) if len(part) else 0.0 for part in parts])
    gains = np.clip(10 ** (target_dbfs / 20) / np.maximum(rms, 1e-9), 1.0, most_gain)
    centres = np.array(starts) + SAMPLE_RATE_HZ / 2
    louder = np.empty_like(samples)
    for first in range(0, len(samples), EVENED_AT_ONCE):
        part = slice(first, min(first + EVENED_AT_ONCE, len(samples)))
        curve = np.interp(np.arange(part.start, part.stop), centres, gains).astype(np.float32)
        np.clip(samples[part] * curve, -1.0, 1.0, out=louder[part])
    return louder


def _seconds(length: int) -> list[int]:
    """Return the starts of the seconds whose level is measured; the last one ends with the samples.

    A part of a second at the end is measured with what is before it: a few silent samples alone would be made
    as loud as possible, and the half second before them with them.
    """
    starts = [*range(0, length - SAMPLE_RATE_HZ + 1, SAMPLE_RATE_HZ)] or [0]
    if length - starts[-1] > SAMPLE_RATE_HZ:
        starts.append(length - SAMPLE_RATE_HZ)
    return starts


class _InBatches:
    """Silero's session of ONNX Runtime, with a few frames at a time; its state goes from batch to batch."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def run(self, names: None, inputs: Mapping[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        frames, h, c = inputs["input"], inputs["h"], inputs["c"]
        found = []
        for first in range(0, len(frames), FRAMES_AT_ONCE):
            batch = {"input": frames[first : first + FRAMES_AT_ONCE], "h": h, "c": c}
            probabilities, h, c = self._session.run(names, batch)
            found.append(probabilities)
        return [np.concatenate(found), h, c]


def _limit_batches() -> None:
    """Let the one Silero of this process work in batches; faster-whisper has no option for it."""
    silero = get_vad_model()
    if not isinstance(silero.session, _InBatches):
        silero.session = _InBatches(silero.session)
