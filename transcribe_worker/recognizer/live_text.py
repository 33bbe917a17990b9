"""The text of a growing recording after its last whole stretch.

It works while there is nothing to read. A window that ends before a pause is decoded as its stretch will be,
and the stretch takes that text over. Where echo is removed, the stretch has the window half a minute later;
it is decoded before that, unless there was echo just before. What is said now is decoded at once, and again
with each second: that text is provisional. When reading falls behind, nothing is left for this, so the
recording catches up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from shared.words import Segment
from transcribe_worker.engine.messages import Provisional
from transcribe_worker.recognition.pipeline import Recognition, Recognized, Stream
from transcribe_worker.speech.stretches import Window, WindowKey
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

Mono = NDArray[np.float32]
Text = tuple[Segment, ...]

NOTHING = np.empty(0, np.float32)
#: New samples that are worth a look.
LEAST_NEW = SAMPLE_RATE_HZ
#: Speech detection hears this much of what it has heard already, before new samples.
HEARD_AGAIN = SAMPLE_RATE_HZ
#: The least time between two looks. A look that takes longer is followed by a rest as long as itself.
REST_SECONDS = 0.5


class NoLiveText:
    """The text of a finished recording: all of it comes in stretches."""

    speed: float | None = None  # seconds of speech decoded in a second, as far as it matters

    def watched(self, stream: Stream) -> Stream:
        """Return a stream whose samples are seen here as well."""
        return stream

    def see(self, rows: NDArray[np.float32]) -> None:
        """Take samples of all channels in that the streams will have later, and perhaps changed."""

    def note(self, found: Recognized) -> None:
        """Forget the samples of a stretch that is decoded."""

    def look(self) -> bool:
        """Work on what is new; return whether anything was."""
        return False


class LiveText(NoLiveText):
    """Looks at the last samples of each channel, and sends their text.

    When `has_ended` says that the recording has ended, a look is given up: the rest is decoded for good.
    `hear` gets the windows of a recording with one channel that are decoded early.
    """

    def __init__(
        self,
        recognition: Recognition,
        send: Callable[[Provisional], None],
        has_ended: Callable[[], bool],
        hear: Callable[[Window], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recognition, self._send, self._monotonic = recognition, send, monotonic
        self._has_ended, self._hear = has_ended, hear
        self._sides: dict[int | None, _Side] = {}
        self._rests_until = monotonic()

    def watched(self, stream: Stream) -> Stream:
        side = self._sides[stream.channel] = _Side(stream)
        return replace(stream, blocks=side.passed(stream.blocks))

    def see(self, rows: NDArray[np.float32]) -> None:
        for side, samples in zip(self._sides.values(), rows, strict=True):
            side.take(samples)

    def note(self, found: Recognized) -> None:
        self.speed = self._recognition.speed
        self._sides[found.channel].begin(found.stretch.end)

    def look(self) -> bool:
        began = self._monotonic()
        if began < self._rests_until:
            return False
        worked = [self._look(side) for side in self._sides.values()]
        now = self._monotonic()
        self._rests_until = now + max(REST_SECONDS, now - began)
        return any(worked)

    def _look(self, side: _Side) -> bool:
        samples = side.samples()
        end = side.start + len(samples)
        new = end - side.seen
        if new < LEAST_NEW:
            return False
        side.seen = end
        if side.may_change or self._recognition.hears(samples[-(new + HEARD_AGAIN) :]):
            side.text = self._text(side, samples)
        self._send(Provisional(end / SAMPLE_RATE_HZ, side.text, side.channel, self._recognition.speed))
        return True

    def _text(self, side: _Side, samples: Mono) -> Text:
        if self._recognition.language is None:  # the first whole stretch with speech decides, as in a file
            side.is_open = True
            return ()
        found = self._recognition.cut(samples, side.start)
        settled = [it for it in found.ready if it.end <= side.settled.end or not side.is_changed]
        unsettled = found.ready[len(settled) :]
        side.is_open = bool(found.unfinished)
        side.settles_at = unsettled[0].end if unsettled else None
        early = (self._decoded_early(it, side.channel) for it in settled if it.end > side.done)
        guessed = self._guessed(side, unsettled + found.unfinished)
        texts = list(self._while_it_grows(chain(early, guessed)))
        if self._has_ended():
            return side.text
        return tuple(chain.from_iterable(texts))

    def _while_it_grows(self, texts: Iterator[Text]) -> Iterator[Text]:
        """Make texts until the recording has ended."""
        while not self._has_ended() and (text := next(texts, None)) is not None:
            yield text

    def _guessed(self, side: _Side, windows: Sequence[Window]) -> Iterator[Text]:
        """Yield the provisional text of windows; that of a window that was there before is kept."""
        known, side.guesses = side.guesses, {}
        for window in windows:
            text = known.get(window.key)
            if text is None:
                text = self._recognition.decode_provisionally(window)
            side.guesses[window.key] = text
            yield text

    def _decoded_early(self, window: Window, channel: int | None) -> Text:
        if channel is None:
            self._hear(window)
        return self._recognition.decode_early(window, channel)


class _Side:
    """A channel from the start of its stretch on."""

    def __init__(self, stream: Stream) -> None:
        self.channel, self.start, self.done = stream.channel, stream.start, stream.done
        self.settled, self.fresh = _Tail(stream.start), _Tail(0)
        self.seen = stream.start  # up to here the text was made
        self.is_changed = False  # what the stream had last is not what was read: echo was removed from it
        self.is_open = False  # a pause will end a window
        self.settles_at: int | None = None  # where a window ends that the stream does not have yet
        self.guesses: dict[WindowKey, Text] = {}  # of the windows in the last text
        self.text: Text = ()

    @property
    def may_change(self) -> bool:
        """Whether the text may change without new sound."""
        return self.is_open or (self.settles_at is not None and self.settles_at <= self.settled.end)

    def passed(self, blocks: Iterable[Mono]) -> Iterator[Mono]:
        """Pass the samples of the stream on."""
        for block in blocks:
            self.is_changed = self._differs(block)
            self.settled.add(block)
            yield block

    def take(self, samples: Mono) -> None:
        """Take samples that the stream has later, and drop those that it has: nobody may look for hours."""
        self.fresh.add(samples)
        self.fresh.drop(self.settled.end)

    def _differs(self, block: Mono) -> bool:
        """Whether the next block of the stream is not what was read of it before."""
        self.fresh.drop(self.settled.end)
        read = np.concatenate([*self.fresh.blocks, NOTHING])[: len(block)]
        return len(read) == len(block) and not np.array_equal(read, block)

    def begin(self, start: int) -> None:
        """Go on with a new stretch."""
        self.start, self.is_open, self.settles_at, self.text = start, True, None, ()
        self.settled.drop(start)

    def samples(self) -> Mono:
        """Return the samples of the stretch so far, the last of them perhaps not as the stream will have."""
        self.fresh.drop(self.settled.end)
        return np.concatenate([*self.settled.blocks, *self.fresh.blocks, NOTHING])


class _Tail:
    """The last samples of a stream, from sample `start` up to `end`."""

    def __init__(self, start: int) -> None:
        self.start = self.end = start
        self.blocks: list[Mono] = []

    def add(self, samples: Mono) -> None:
        self.blocks.append(samples)
        self.end += len(samples)

    def drop(self, before: int) -> None:
        """Drop the samples before a number."""
        while self.blocks and self.start + len(self.blocks[0]) <= before:
            self.start += len(self.blocks.pop(0))
        if self.blocks and self.start < before:
            self.blocks[0] = self.blocks[0][before - self.start :]
            self.start = before
