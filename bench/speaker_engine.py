"""Transcribes calls in this process as the engine does, and measures capture's loudness of both sides."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from faster_whisper import WhisperModel

from bench.corpora import Samples
from bench.speaker_calls import SpeakerCall
from bench.speaker_kept import Timed, kept
from bench.ways import BATCH_SIZE, BLOCK_FRAMES
from capture_worker.levels import Loudness
from capture_worker.samples import Pair
from shared.loudness import SideLevels
from shared.settings import RecordOptions, Settings
from shared.words import Segment, Word, numbered
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.pipeline import Recognition

Found = TypeVar("Found")
Segments = tuple[Segment, ...]


class Decoded:
    """What the engine finds in a call, each part once."""

    def __init__(self, model: WhisperModel, call: SpeakerCall, keep: Path | None = None) -> None:
        self._model, self.call, self._keep = model, call, keep
        self._found: dict[str, object] = {}

    def one_channel(self) -> Timed:
        """Return the words of all people in one channel."""
        samples = self.call.samples
        find = partial(_timed, lambda: recognised(self._model, samples))
        return self._once("one", lambda: kept(self._keep, [samples], find))

    def channels_alone(self) -> Timed:
        """Return the words of each side, decoded without regard to the other."""
        return self._once("alone", lambda: kept(self._keep, self._sides, partial(_timed, self._each_channel)))

    def levels(self) -> tuple[SideLevels, float]:
        """Return what capture keeps of both sides, and the processor time of it."""
        return self._once("levels", lambda: timed(lambda: side_levels(self._sides)))

    @property
    def _sides(self) -> Pair:
        assert self.call.sides
        return self.call.sides

    def _each_channel(self) -> Segments:
        found = (
            replace(segment, channel=channel)
            for channel, samples in enumerate(self._sides)
            for segment in recognised(self._model, samples)
        )
        return tuple(sorted(found, key=lambda segment: segment.start_ms))

    def _once(self, name: str, find: Callable[[], Found]) -> Found:
        if name not in self._found:
            self._found[name] = find()
        return self._found[name]  # type: ignore[return-value]


def _timed(find: Callable[[], Segments]) -> Timed:
    segments, seconds = timed(find)
    return Timed(numbered(segments), seconds)


def timed(find: Callable[[], Found]) -> tuple[Found, float]:
    """Return what a function finds, and the processor time it took in all threads, in seconds."""
    began = time.process_time()
    found = find()
    return found, time.process_time() - began


def recognised(model: WhisperModel, samples: Samples) -> Segments:
    """Return the segments of samples."""
    recognition = Recognition(
        lambda: model,
        replace(RecordOptions(), language="en"),
        parallel=1,  # each process has one call
        batches=Batches(BATCH_SIZE),
        check=lambda: None,
    )
    stretches = recognition.stretches(_blocks(samples), start=0, done=0)
    return tuple(it for stretch in stretches for window in stretch.segments for it in window)


def words_of(model: WhisperModel, samples: Samples) -> list[Word]:
    """Return the words of samples."""
    return [word for segment in recognised(model, samples) for word in segment.words]


def side_levels(sides: Pair) -> SideLevels:
    """Return what capture keeps of both sides, fed as they come from its timeline."""
    loudness = Loudness(Settings.silence_dbfs)
    for microphone, loopback in zip(_blocks(sides.microphone), _blocks(sides.loopback), strict=True):
        loudness.add(Pair(microphone, loopback))
    return loudness.between(0, loudness.ticks)


def _blocks(samples: Samples) -> Iterator[Samples]:
    for at in range(0, len(samples), BLOCK_FRAMES):
        yield samples[at : at + BLOCK_FRAMES]
