"""Finds speech in a stream of samples and hands it out in decoding windows.

The stream is looked at in stretches, so memory does not grow with the recording. Where a stretch
starts depends on the audio alone and goes with each window: detection that starts there again finds
the same windows, which is how an interrupted transcription goes on without a seam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps
from numpy.typing import NDArray

from transcribe_worker.speech.energy import loud_spans, union, without_rumble
from transcribe_worker.speech.windows import LARGEST_GAP, LONGEST, SAMPLE_RATE_HZ, Span, parts, plan

Samples = NDArray[np.float32]
Detect = Callable[[Samples], "Heard"]

#: How long a stretch is: short at first, for the first words to come soon, but longer than a window and a
#: gap, so that there is always one that ends in it.
SHORTEST_STRETCH, LONGEST_STRETCH = 40 * SAMPLE_RATE_HZ, 120 * SAMPLE_RATE_HZ
#: How much of a silent end is heard again with the next stretch, for speech that begins just there.
LOOK_BACK = SAMPLE_RATE_HZ
FRAME = SAMPLE_RATE_HZ // 50
#: How long a pause is looked for to cut in, in frames, the best first; and how much more energy it may hold
#: than the quietest tenth of a second. What is below -90 dBFS is as quiet as can be.
PAUSES, ABOUT_AS_QUIET, INAUDIBLE = (15, 10, 5), 1.1, 1e-9


@dataclass(frozen=True)
class Heard:
    """What there is to decode: speech, and what is as loud as speech and is not taken for it."""

    speech: list[Span]
    loud: list[Span]


@dataclass(frozen=True)
class Window:
    """Samples to decode, shape (frames,), and where they stand in the recording, in samples."""

    start: int
    samples: Samples
    speech: bool = True  # speech was detected in it

    @property
    def end(self) -> int:
        """The first sample behind the window."""
        return self.start + len(self.samples)


@dataclass(frozen=True)
class Stretch:
    """A part of a recording, in samples, with its windows: what is decoded, and committed, as a whole."""

    start: int
    end: int
    windows: list[Window]

    def behind(self, done: int) -> Stretch:
        """The stretch without the windows that end by `done`."""
        return replace(self, windows=[window for window in self.windows if window.end > done])


def stretches(
    blocks: Iterable[Samples],
    detect: Detect,
    *,
    start: int = 0,
    longest: int = LONGEST,
    largest_gap: int = LARGEST_GAP,
) -> Iterator[Stretch]:
    """Yield the stretches of a recording whose samples from `start` on come in `blocks`."""
    source = _Source(blocks)
    buffer = np.empty(0, np.float32)
    ended = False
    while not ended:
        length = min(max(start, SHORTEST_STRETCH), LONGEST_STRETCH)
        buffer = np.concatenate([buffer, source.take(length - len(buffer))])
        ended = len(buffer) < length
        heard = detect(buffer)
        planned = plan(
            union(heard.speech + heard.loud),
            partial(quietest, buffer),
            longest=longest,
            largest_gap=largest_gap,
        )
        ready = [span for span in planned if ended or span.end + largest_gap < len(buffer)]
        windows = [
            Window(start + span.start, buffer[span.start : span.end], has_speech)
            for window in ready
            for span, has_speech in parts(window, heard.speech)
        ]
        carried = len(buffer) if ended else _carried(planned[len(ready) :], ready, len(buffer))
        yield Stretch(start, start + carried, windows)
        start, buffer = start + carried, buffer[carried:]


class _Source:
    """A stream of blocks, read in whatever pieces are asked for."""

    def __init__(self, blocks: Iterable[Samples]) -> None:
        self._blocks = iter(blocks)
        self._rest = np.empty(0, np.float32)

    def take(self, frames: int) -> Samples:
        """Return the next `frames` samples, fewer only at the end of the stream."""
        pieces, length = [self._rest], len(self._rest)
        while length < frames and (block := next(self._blocks, None)) is not None:
            pieces.append(block)
            length += len(block)
        samples = np.concatenate(pieces)
        self._rest = samples[frames:]
        return samples[:frames]


def _carried(unfinished: list[Span], ready: list[Span], length: int) -> int:
    """Where the next stretch starts: at the window that goes on, or just before the end."""
    if unfinished:
        return unfinished[0].start
    return max(ready[-1].end if ready else 0, length - LOOK_BACK)


def detect_speech(samples: Samples, *, energy_spans: bool = False) -> Heard:
    """Find speech with Silero, after evening out the level; shape (frames,), 16 kHz.

    Silero at its default misses most of a quiet, hoarse voice; raised to a usual level, and with a
    lower threshold, it finds it. The windows are cut from the audio as it was.
    """
    options = VadOptions(threshold=0.3, min_silence_duration_ms=500, speech_pad_ms=300)
    found = get_speech_timestamps(evened(samples), options, SAMPLE_RATE_HZ)
    speech = [Span(int(span["start"]), int(span["end"])) for span in found]
    return Heard(speech, loud_spans(samples, speech) if energy_spans else [])


def all_of_it(samples: Samples) -> Heard:
    """Take everything for speech, for a person who has switched detection off."""
    return Heard([Span(0, len(samples))] if len(samples) else [], [])


def evened(samples: Samples, *, target_dbfs: float = -20.0, most_gain: float = 30.0) -> Samples:
    """Bring the loudness of each second to `target_dbfs`, with a gain between 1 and `most_gain`."""
    seconds = max(1, -(-len(samples) // SAMPLE_RATE_HZ))
    parts = np.array_split(samples, seconds)
    rms = np.array([np.sqrt(np.mean(np.square(part))) if len(part) else 0.0 for part in parts])
    gains = np.clip(10 ** (target_dbfs / 20) / np.maximum(rms, 1e-9), 1.0, most_gain)
    centres = (np.arange(seconds) + 0.5) * len(samples) / seconds
    curve = np.interp(np.arange(len(samples)), centres, gains).astype(np.float32)
    louder: Samples = np.clip(samples * curve, -1.0, 1.0)
    return louder


def quietest(samples: Samples, start: int, end: int) -> int:
    """Return the middle of the longest pause in [start, end) that is about as quiet as the quietest one.

    A pause between words is longer than one in a word, before its t or k, which may be as quiet.
    """
    heard = without_rumble(samples[start:end])
    energy = np.square(heard[: len(heard) // FRAME * FRAME].reshape(-1, FRAME)).mean(axis=1)
    lengths = [frames for frames in PAUSES if frames <= len(energy)] or [1]
    pauses = [np.convolve(energy, np.full(frames, 1 / frames), mode="valid") for frames in lengths]
    quiet = pauses[-1].min() * ABOUT_AS_QUIET + INAUDIBLE
    longest = next(number for number, pause in enumerate(pauses) if pause.min() <= quiet)
    return start + int(np.argmin(pauses[longest])) * FRAME + lengths[longest] * FRAME // 2
