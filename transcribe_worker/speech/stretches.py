"""Finds speech in a stream of samples and cuts it into decoding windows.

The stream is processed in stretches of up to 120 s, so memory does not grow with the recording. The start of
a stretch depends on the audio alone and is stored with each window: detection that starts there again finds
the same windows, so an interrupted transcription resumes without a seam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from transcribe_worker.speech.detection import Heard, Samples
from transcribe_worker.speech.energy import union, without_rumble
from transcribe_worker.speech.windows import LARGEST_GAP, LONGEST, SAMPLE_RATE_HZ, Span, parts, plan, within

Detect = Callable[[Samples], Heard]

#: Length of a stretch: short at first, so that the first words come soon, and longer than a window and a gap,
#: so that at least one window ends in it.
SHORTEST_STRETCH, LONGEST_STRETCH = 40 * SAMPLE_RATE_HZ, 120 * SAMPLE_RATE_HZ
#: How much of a silent end is processed again with the next stretch, in case speech starts there.
LOOK_BACK = SAMPLE_RATE_HZ
FRAME = SAMPLE_RATE_HZ // 50
NOTHING = np.empty(0, np.float32)
#: Nobody says anything in less than 20 ms, and the model fails to align words in so little.
SHORTEST_WINDOW = FRAME
#: Lengths of pauses to cut in, in frames, the best first; how much more energy a pause may have than the
#: quietest tenth of a second; and the energy of -90 dBFS, below which all is equally quiet.
PAUSES, ABOUT_AS_QUIET, INAUDIBLE = (15, 10, 5), 1.1, 1e-9


WindowKey = tuple[int, int, tuple[Span, ...]]


@dataclass(frozen=True)
class Window:
    """Samples to decode, shape (frames,), and their position in the recording, in samples."""

    start: int
    samples: Samples
    speech: tuple[Span, ...]  # detected in it, in samples of the window

    @property
    def end(self) -> int:
        """The first sample after the window."""
        return self.start + len(self.samples)

    @property
    def key(self) -> WindowKey:
        """What names the window within a channel: its place, and the speech in it."""
        return self.start, self.end, self.speech


@dataclass(frozen=True)
class Stretch:
    """A part of a recording, in samples, with its windows; it is decoded and committed as a whole."""

    start: int
    end: int
    windows: list[Window]

    def after(self, done: int) -> Stretch:
        """Return the stretch without the windows that end by `done`."""
        return replace(self, windows=[window for window in self.windows if window.end > done])


@dataclass(frozen=True)
class Cut:
    """The windows of some samples, those that later samples may change, and where the next stretch begins."""

    ready: list[Window]
    unfinished: list[Window]
    end: int


def stretches(
    blocks: Iterable[Samples],
    detect: Detect,
    *,
    start: int = 0,
    longest: int = LONGEST,
    largest_gap: int = LARGEST_GAP,
) -> Iterator[Stretch]:
    """Yield the stretches of a recording whose samples from `start` on come in `blocks`."""
    source = Source(blocks)
    buffer = NOTHING
    ended = False
    while not ended:
        length = min(max(start, SHORTEST_STRETCH), LONGEST_STRETCH)
        buffer = source.take(length, after=buffer)
        ended = len(buffer) < length
        found = cut(buffer, start, detect(buffer), is_last=ended, longest=longest, largest_gap=largest_gap)
        yield Stretch(start, found.end, found.ready)
        start, buffer = found.end, buffer[found.end - start :]


def cut(
    samples: Samples,
    start: int,
    heard: Heard,
    *,
    is_last: bool,
    longest: int = LONGEST,
    largest_gap: int = LARGEST_GAP,
) -> Cut:
    """Cut samples, the first of which is number `start`, into windows; `is_last`: no more samples follow."""
    planned = plan(
        union(heard.speech + heard.loud), partial(quietest, samples), longest=longest, largest_gap=largest_gap
    )
    ready = [span for span in planned if is_last or span.end + largest_gap < len(samples)]
    unfinished = planned[len(ready) :]
    carried = len(samples) if is_last else _carried(unfinished, ready, len(samples))
    windows = partial(_windows, samples, start, heard.speech)
    return Cut(windows(ready), windows(unfinished), start + carried)


def _windows(samples: Samples, start: int, speech: list[Span], planned: list[Span]) -> list[Window]:
    return [
        Window(start + span.start, samples[span.start : span.end], _spoken(span, speech))
        for window in planned
        for span in parts(window, speech)
        if span.end - span.start >= SHORTEST_WINDOW
    ]


class Source:
    """A stream of blocks of samples that is read in other lengths."""

    def __init__(self, blocks: Iterable[Samples]) -> None:
        self._blocks = iter(blocks)
        self._rest = NOTHING

    def take(self, frames: int, after: Samples = NOTHING) -> Samples:
        """Return `frames` samples, those of `after` first; fewer only at the end of the stream."""
        taken, length = np.empty(frames, np.float32), len(after)
        taken[:length] = after
        while length < frames and (block := self._next()) is not None:
            part = block[: frames - length]
            taken[length : length + len(part)] = part
            self._rest, length = block[len(part) :], length + len(part)
        return taken[:length]

    def _next(self) -> Samples | None:
        """Return what the last block has left, or the next block."""
        return self._rest if len(self._rest) else next(self._blocks, None)


def _spoken(window: Span, speech: list[Span]) -> tuple[Span, ...]:
    """Return the speech in a window, in samples of the window."""
    return tuple(Span(span.start - window.start, span.end - window.start) for span in within(window, speech))


def _carried(unfinished: list[Span], ready: list[Span], length: int) -> int:
    """Return the start of the next stretch: an unfinished window, or 1 s before the end."""
    if unfinished:
        return unfinished[0].start
    return max(ready[-1].end if ready else 0, length - LOOK_BACK)


def quietest(samples: Samples, start: int, end: int) -> int:
    """Return the middle of the longest pause in [start, end) that is about as quiet as the quietest pause.

    A pause between words is longer than a pause within a word, before its t or k, which may be as quiet.
    """
    heard = without_rumble(samples[start:end])
    energy = np.square(heard[: len(heard) // FRAME * FRAME].reshape(-1, FRAME)).mean(axis=1)
    lengths = [frames for frames in PAUSES if frames <= len(energy)] or [1]
    pauses = [np.convolve(energy, np.full(frames, 1 / frames), mode="valid") for frames in lengths]
    quiet = pauses[-1].min() * ABOUT_AS_QUIET + INAUDIBLE
    longest = next(number for number, pause in enumerate(pauses) if pause.min() <= quiet)
    return start + int(np.argmin(pauses[longest])) * FRAME + lengths[longest] * FRAME // 2
