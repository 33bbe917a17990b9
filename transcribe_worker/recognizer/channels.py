"""Reads a recording once for all channels that are decoded: one, or two that are the sides of a call."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.loudness import SideLevels
from transcribe_worker.engine.messages import Job, Levels, Peaks, Position
from transcribe_worker.media.echo import without_echo
from transcribe_worker.media.growing import GrowingRecording
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, Recording
from transcribe_worker.recognition.pipeline import Stream
from transcribe_worker.speech.peaks import TICKS_PER_SECOND, PeakMeter
from transcribe_worker.speech.peaks import measured as peaks_measured
from transcribe_worker.speech.side_levels import SideMeter, measured
from transcribe_worker.speech.sides import Sides

Mono = NDArray[np.float32]
Pair = NDArray[np.float32]
#: Blocks of the channels that are decoded; of a pair without echo they differ in length.
Rows = NDArray[np.float32] | tuple[Mono, Mono]
Block = TypeVar("Block")
Readable = Recording | GrowingRecording
#: Seconds of levels, or of peaks, that are sent together.
SENT_SECONDS = 60
START = Position(0.0, 0.0)
NOTHING = np.empty(0, np.float32)


def sides_of(job: Job, listen: Callable[[], Sides]) -> Sides:
    """Return what the two channels of a job are: what is known, or what is found by listening to them.

    An earlier version mixed all channels. A recording that it had begun is finished in the same way.
    """
    begun = {position.channel for position in job.positions}
    if None not in begun:
        return Sides.BOTH if begun or job.is_split else listen()
    found = listen()
    return Sides.ONE if found is Sides.BOTH else found


def _nothing(rows: NDArray[np.float32]) -> None:
    """Pass rows by."""


class Reading:
    """Reads a recording and makes streams of it; `send` gets peaks, and levels of two sides, by the minute.

    Streams are read in turns, so one is never more than a stretch ahead of another. `remove_echo` takes the
    second side out of the first one, after both were measured; it holds back half a minute. `watch` gets what
    was read before that, shape (channels, frames).
    """

    def __init__(
        self,
        recording: Readable,
        sides: Sides,
        passed: Callable[[], None],
        send: Callable[[Levels | Peaks], None],
        remove_echo: bool = False,
        watch: Callable[[NDArray[np.float32]], None] = _nothing,
    ) -> None:
        self._recording, self._sides, self._passed, self._send = recording, sides, passed, send
        self._remove_echo, self._watch = remove_echo, watch
        self.frames = 0  # read so far

    def streams(self, positions: Sequence[Position]) -> list[Stream]:
        """Return what is to be decoded, from the positions of an earlier attempt on."""
        known = {position.channel: position for position in positions}
        channels = (0, 1) if self._sides is Sides.BOTH else (None,)
        begun = [known.get(channel, START) for channel in channels]
        starts = [round(position.stretch_seconds * SAMPLE_RATE_HZ) for position in begun]
        return [
            Stream(blocks, start, round(position.done_seconds * SAMPLE_RATE_HZ), channel)
            for blocks, start, position, channel in zip(
                apart(self._rows(), starts), starts, begun, channels, strict=True
            )
        ]

    def _rows(self) -> Iterator[Rows]:
        """Yield blocks of the channels that are decoded; one may be ahead of the other."""
        rows = self._peaks_sent(self._chosen())
        if self._sides is not Sides.BOTH:
            return rows
        levelled = self._levelled(rows)
        return self._without_echo(levelled) if self._remove_echo else levelled

    def _without_echo(self, pairs: Iterator[Pair]) -> Iterator[Rows]:
        """Yield the microphone without echo, and the far side as far as it was read by then."""
        far: list[Mono] = []

        def watched() -> Iterator[Pair]:
            for pair in pairs:
                self._watch(pair)
                far.append(pair[1])
                yield pair

        for cleaned in without_echo(watched()):
            yield cleaned[0], np.concatenate([*far, NOTHING])
            far.clear()

    def _chosen(self) -> Iterator[NDArray[np.float32]]:
        if self._sides is Sides.ONE:
            return (block[np.newaxis] for block in self._counted(self._recording.blocks()))
        pairs = self._counted(self._recording.pairs())
        if self._sides is Sides.BOTH:
            return pairs
        return (pair[:1] if self._sides is Sides.LEFT else pair[1:] for pair in pairs)

    def _counted(self, blocks: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        for block in counted(blocks, self._passed):
            self.frames += block.shape[-1]
            yield block

    def _peaks_sent(self, blocks: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        meter = PeakMeter(sides=2 if self._sides is Sides.BOTH else 1)
        for block in peaks_measured(blocks, meter):
            if meter.seconds >= SENT_SECONDS:
                self._send(peaks_event(meter.take()))
            yield block
        self._send(peaks_event(meter.take()))

    def _levelled(self, pairs: Iterator[Pair]) -> Iterator[Pair]:
        meter = SideMeter()
        for pair in measured(pairs, meter):
            if meter.seconds >= SENT_SECONDS:
                self._send(levels_event(meter.take()))
            yield pair
        self._send(levels_event(meter.take()))


def peaks_event(sides: Sequence[bytes]) -> Peaks:
    """Return the event for measured peaks."""
    return Peaks(TICKS_PER_SECOND, tuple(side.hex() for side in sides))


def levels_event(levels: SideLevels) -> Levels:
    """Return the event for measured levels."""
    texts = (side.hex() for side in (levels.microphone, levels.loopback, levels.echo))
    return Levels(levels.ticks_per_second, *texts)


def counted(blocks: Iterator[Block], passed: Callable[[], None]) -> Iterator[Block]:
    """Pass blocks on and report each as progress."""
    for block in blocks:
        passed()
        yield block


def apart(blocks: Iterator[Rows], starts: Sequence[int]) -> list[Iterator[Mono]]:
    """Return the rows of blocks as iterators, each from its own start on.

    They share one reading, which keeps what one row has read and another has not.
    """
    waiting: list[deque[Mono]] = [deque() for _ in starts]
    to_skip = list(starts)

    def row(number: int) -> Iterator[Mono]:
        while waiting[number] or read():
            if waiting[number]:
                yield waiting[number].popleft()

    def read() -> bool:
        block = next(blocks, None)
        if block is None:
            return False
        for number, samples in enumerate(block):
            rest = samples[to_skip[number] :]
            to_skip[number] -= len(samples) - len(rest)
            if len(rest):
                waiting[number].append(rest)
        return True

    return [row(number) for number in range(len(starts))]
