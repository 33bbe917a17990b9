"""MAIN PATH of the engine, from samples to words: stretches, their windows, decoded several at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from faster_whisper import WhisperModel

from transcribe_worker.recognition.ahead import in_order
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.decoder import Decoder, Request
from transcribe_worker.recognition.presets import chosen
from transcribe_worker.speech.stretches import (
    Detect,
    Heard,
    Samples,
    Stretch,
    all_of_it,
    detect_speech,
    stretches,
)
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

LISTEN_FOR_LANGUAGE = 30 * SAMPLE_RATE_HZ


class Recognition:
    """Finds the words of one recording; `check` is called often, and ends it by raising."""

    def __init__(
        self,
        model: WhisperModel,
        options: Mapping[str, Any],
        *,
        parallel: int,
        batches: Batches,
        check: Callable[[], None],
    ) -> None:
        self._model, self._options, self._check = model, options, check
        self._parallel, self._batches = parallel, batches
        self._preset = chosen(options)
        self._decoder: Decoder | None = None
        self.speech_seconds = 0.0  # how long it took to find it
        self.language = "en" if not model.model.is_multilingual else str(options["language"])

    def stretches(self, blocks: Iterable[Samples], *, start: int, done: int) -> Iterator[dict[str, Any]]:
        """Decode `blocks`, whose first sample is number `start`, but for what ends by `done`."""
        preset = self._preset
        find = partial(detect_speech, energy_spans=preset.energy_spans) if self._options["vad"] else all_of_it
        found = stretches(
            blocks,
            partial(self._timed, find),
            start=start,
            longest=round(preset.longest_seconds * SAMPLE_RATE_HZ),
            largest_gap=round(preset.largest_gap_seconds * SAMPLE_RATE_HZ),
        )
        left = (stretch.behind(done) for stretch in found)
        for stretch, segments in in_order(self._prepared(left), self._decode, parallel=self._parallel):
            self._check()
            yield self._told(stretch, segments)

    def _timed(self, detect: Detect, samples: Samples) -> Heard:
        began = time.monotonic()
        heard = detect(samples)
        self.speech_seconds += time.monotonic() - began
        return heard

    def _prepared(self, found: Iterator[Stretch]) -> Iterator[Stretch]:
        """Pass stretches on; learn the language from the first that has a window."""
        for stretch in found:
            self._check()
            if stretch.windows and self._decoder is None:
                self._decoder = self._new_decoder(stretch.windows[0].samples)
            yield stretch

    def _new_decoder(self, samples: Samples) -> Decoder:
        if self.language == "auto":
            (self.language,) = self._batches.run([samples[:LISTEN_FOR_LANGUAGE]], self._languages)
        request = Request(
            self._preset,
            self.language,
            self._options["word_timestamps"],
            self._options["initial_prompt"],
            self._options["hotwords"],
        )
        return Decoder(self._model, request, self._batches, self._check)

    def _languages(self, samples: Sequence[Samples]) -> list[str]:
        return [str(self._model.detect_language(some)[0]) for some in samples]

    def _decode(self, stretch: Stretch) -> list[list[dict[str, Any]]]:
        return self._decoder.decode(stretch.windows) if self._decoder and stretch.windows else []

    def _told(self, stretch: Stretch, segments: list[list[dict[str, Any]]]) -> dict[str, Any]:
        """A decoded stretch as the worker wants it; times in seconds."""
        windows = [
            {
                "start_seconds": window.start / SAMPLE_RATE_HZ,
                "end_seconds": window.end / SAMPLE_RATE_HZ,
                "segments": said,
            }
            for window, said in zip(stretch.windows, segments, strict=True)
        ]
        return {
            "start_seconds": stretch.start / SAMPLE_RATE_HZ,
            "end_seconds": stretch.end / SAMPLE_RATE_HZ,
            "language": self.language,
            "windows": windows,
        }
