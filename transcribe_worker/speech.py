"""Finds speech in a stream of samples and hands it out in decoding windows.

The stream is looked at in stretches, so memory does not grow with the recording. Where a stretch
starts depends on the audio alone and goes with each window: detection that starts there again finds
the same windows, which is how an interrupted transcription goes on without a seam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps
from numpy.typing import NDArray

from transcribe_worker.windows import LARGEST_GAP, SAMPLE_RATE_HZ, Span, plan

Samples = NDArray[np.float32]
Detect = Callable[[Samples], list[Span]]

STRETCH = 120 * SAMPLE_RATE_HZ
#: How much of a silent end is heard again with the next stretch, for speech that begins just there.
LOOK_BACK = SAMPLE_RATE_HZ
FRAME = SAMPLE_RATE_HZ // 50


@dataclass(frozen=True)
class Window:
    """Samples to decode, shape (frames,), and where they stand in the recording, in samples."""

    start: int
    stretch: int
    samples: Samples

    @property
    def end(self) -> int:
        """The first sample behind the window."""
        return self.start + len(self.samples)


def windows(
    blocks: Iterable[Samples], detect: Detect, *, stretch: int = 0, heard: Callable[[int], None]
) -> Iterator[Window]:
    """Yield the decoding windows of a recording whose samples from `stretch` on come in `blocks`.

    `heard` is told, in samples, how far the recording has been looked through.
    """
    source = _Source(blocks)
    buffer = np.empty(0, np.float32)
    ended = False
    while not ended:
        buffer = np.concatenate([buffer, source.take(STRETCH - len(buffer))])
        ended = len(buffer) < STRETCH
        planned = plan(detect(buffer), partial(quietest, buffer))
        ready = [span for span in planned if ended or span.end + LARGEST_GAP < len(buffer)]
        for span in ready:
            yield Window(stretch + span.start, stretch, buffer[span.start : span.end])
        carried = _carried(planned[len(ready) :], ready, len(buffer))
        heard(stretch + (len(buffer) if ended else carried))
        stretch, buffer = stretch + carried, buffer[carried:]


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


def detect_speech(samples: Samples) -> list[Span]:
    """Find speech with Silero, after evening out the level; shape (frames,), 16 kHz.

    Silero at its default misses most of a quiet, hoarse voice; raised to a usual level, and with a
    lower threshold, it finds it. The windows are cut from the audio as it was.
    """
    options = VadOptions(threshold=0.3, min_silence_duration_ms=500, speech_pad_ms=300)
    found = get_speech_timestamps(evened(samples), options, SAMPLE_RATE_HZ)
    return [Span(int(span["start"]), int(span["end"])) for span in found]


def all_of_it(samples: Samples) -> list[Span]:
    """Take everything for speech, for a person who has switched detection off."""
    return [Span(0, len(samples))] if len(samples) else []


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
    """Return the middle of the quietest tenth of a second in [start, end)."""
    frames = np.square(samples[start:end])[: (end - start) // FRAME * FRAME].reshape(-1, FRAME).mean(axis=1)
    smooth = np.convolve(frames, np.ones(5), mode="valid") if len(frames) >= 5 else frames
    at = int(np.argmin(smooth)) + (2 if len(frames) >= 5 else 0)
    return start + at * FRAME + FRAME // 2
