"""Transcribes calls in this process as the engine does, and measures capture's loudness of both sides."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from faster_whisper import WhisperModel

from bench.corpora import Samples
from bench.speaker_calls import SpeakerCall
from bench.speaker_kept import Timed, kept
from bench.ways import BATCH_SIZE, BLOCK_FRAMES
from capture_worker.levels import Loudness
from capture_worker.samples import RATE_HZ as SAMPLE_RATE_HZ
from capture_worker.samples import Pair
from shared.loudness import SideLevels
from shared.settings import RecordOptions, Settings
from shared.speakers import VoiceTurn
from shared.words import Segment, Word, numbered
from transcribe_worker.media.echo import without_echo
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.pipeline import Recognition, Stream
from transcribe_worker.recognition.presets import chosen
from transcribe_worker.speakers.by_channels import merged
from transcribe_worker.speech.detection import detect_speech
from transcribe_worker.speech.side_levels import SideMeter, measured
from transcribe_worker.speech.stretches import stretches
from transcribe_worker.voices.listener import Listener
from transcribe_worker.voices.network import VoiceNetwork

Found = TypeVar("Found")
Segments = tuple[Segment, ...]
OPTIONS = replace(RecordOptions(), language="en")


class Decoded:
    """What the engine finds in a call, each part once."""

    def __init__(
        self,
        model: WhisperModel,
        call: SpeakerCall,
        network: VoiceNetwork | None = None,
        keep: Path | None = None,
    ) -> None:
        self._model, self.call, self._network, self._keep = model, call, network, keep
        self._found: dict[str, object] = {}

    def one_channel(self) -> Timed:
        """Return the words of all people in one channel."""
        samples = self.call.samples
        find = partial(_timed, lambda: recognised(self._model, samples))
        return self._once("one", lambda: kept(self._keep, [samples], find))

    def two_channels(self) -> Timed:
        """Return the words of each side in the order of their segments, those of echoes too."""
        return self._once("alone", lambda: self._each_channel(self._sides))

    def without_echo(self) -> Timed:
        """Return the words of each side, the far side removed from the microphone before."""
        return self._once("without echo", self._each_without_echo)

    def levels(self) -> SideLevels:
        """Return what capture keeps of both sides."""
        return self._once("levels", lambda: side_levels(self._sides))

    def measured(self) -> tuple[SideLevels, float]:
        """Return what the engine measures of two channels, and its processor time."""
        return self._once("measured", lambda: timed(lambda: measured_levels(self._sides)))

    def voices(self) -> tuple[tuple[VoiceTurn, ...], float]:
        """Return when which voice speaks in one channel, and the processor time of it."""
        network = self._network
        assert network
        return self._once("voices", lambda: voice_turns(network, self.call.samples))

    @property
    def _sides(self) -> Pair:
        assert self.call.sides
        return self.call.sides

    def _each_without_echo(self) -> Timed:
        sides, seconds = timed(lambda: without_far_side(self._sides))
        found = self._each_channel(sides)
        return Timed(found.segments, found.seconds + seconds)

    def _each_channel(self, sides: Pair) -> Timed:
        def find() -> Segments:
            streams = [Stream(_blocks(samples), channel=number) for number, samples in enumerate(sides)]
            return tuple(merged(together(self._model, streams)))

        return kept(self._keep, sides, partial(_timed, find))

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
    return together(model, [Stream(_blocks(samples))])


def together(model: WhisperModel, streams: Sequence[Stream]) -> Segments:
    """Return the segments of the channels of a recording."""
    recognition = Recognition(
        lambda: model,
        OPTIONS,
        parallel=1,  # each process has one call
        batches=Batches(BATCH_SIZE),
        check=lambda: None,
    )
    found = recognition.together(streams)
    return tuple(it for stretch in found for window in stretch.segments for it in window)


def words_of(model: WhisperModel, samples: Samples) -> list[Word]:
    """Return the words of samples."""
    return [word for segment in recognised(model, samples) for word in segment.words]


def side_levels(sides: Pair) -> SideLevels:
    """Return what capture keeps of both sides, fed as they come from its timeline."""
    loudness = Loudness(Settings.silence_dbfs)
    for microphone, loopback in zip(_blocks(sides.microphone), _blocks(sides.loopback), strict=True):
        loudness.add(Pair(microphone, loopback))
    return loudness.between(0, loudness.ticks)


def measured_levels(sides: Pair) -> SideLevels:
    """Return what the engine measures of two channels while it reads them."""
    meter = SideMeter()
    pairs = (np.stack(both) for both in zip(*map(_blocks, sides), strict=True))
    for _ in measured(pairs, meter):
        pass
    return meter.take()


def without_far_side(sides: Pair) -> Pair:
    """Return both sides as the engine decodes them where it removes the echo."""
    pairs = (np.stack(both) for both in zip(*map(_blocks, sides), strict=True))
    return Pair(*np.concatenate(list(without_echo(pairs)), axis=1))


def voice_turns(network: VoiceNetwork, samples: Samples) -> tuple[tuple[VoiceTurn, ...], float]:
    """Return when which voice speaks, and the processor time of it, without that of finding speech."""
    preset, listener, seconds = chosen(OPTIONS), Listener(network), 0.0
    found = stretches(
        _blocks(samples),
        detect_speech,
        start=0,
        longest=round(preset.longest_seconds * SAMPLE_RATE_HZ),
        largest_gap=round(preset.largest_gap_seconds * SAMPLE_RATE_HZ),
    )
    for stretch in found:
        seconds += timed(partial(listener.hear, stretch))[1]
    turns, more = timed(listener.turns)
    return turns, seconds + more


def _blocks(samples: Samples) -> Iterator[Samples]:
    for at in range(0, len(samples), BLOCK_FRAMES):
        yield samples[at : at + BLOCK_FRAMES]
