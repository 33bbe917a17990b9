"""Two clocks onto one 16 kHz timeline: pure numpy and soxr, no device and no file.

Each sound card counts by a clock of its own, and neither is the computer's. Laid end to end, two hours of
both sides drift apart by up to a second, and a loopback that is silent (no data at all) by the length of
every silence. So each block is placed by the time at which it arrived. Blocks arrive late, by chance, but
never early: the lower envelope of their lateness is the device's clock against ours. A segment is an
uninterrupted run of blocks; its start is measured once, its rate is steered from then on.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.drift import LARGEST_STRETCH, Drift

RATE_HZ = 16_000
#: How long a new segment's blocks are held, so that its start is told by the least late of them.
HOLD_SECONDS = 0.3
#: Blocks that are this much too late or too early mean that audio is missing or doubled.
SLACK_SECONDS = 0.040
#: A segment that begins this close to the end of the last one goes on from there.
SEAM_SECONDS = 0.005
#: Without a block for this long, the segment has ended.
IDLE_SECONDS = 0.1
#: Older audio than this is final and can be written.
FINAL_SECONDS = 0.5
#: What is handed out at once, at most: a machine may wake up after a night.
LARGEST_PIECE_SECONDS = 60.0

Mono = NDArray[np.float32]

_SILENCE = np.zeros(10 * RATE_HZ, np.float32)
_SILENCE.flags.writeable = False


class Pair(NamedTuple):
    """The same stretch of both sides, 16 kHz float32 of shape (frames,), in [-1, 1]."""

    microphone: Mono
    loopback: Mono


@dataclass
class Counts:
    """What became of one side's audio; frames are 16 kHz frames of the timeline."""

    placed_frames: int = 0
    silent_frames: int = 0
    dropped_frames: int = 0
    early_frames: int = 0  # heard before the recording began
    gaps: int = 0
    gap_frames: int = 0


class Timeline:
    """Both sides of a call from `origin_seconds` on, by the clock that stamps the blocks."""

    def __init__(self, origin_seconds: float) -> None:
        self._origin = origin_seconds
        self._frames = 0
        self.tracks = {side: Track(origin_seconds) for side in SIDES}

    @property
    def seconds(self) -> float:
        """Length of what has been handed out."""
        return self._frames / RATE_HZ

    @property
    def is_measuring(self) -> bool:
        """Whether the start of a segment is being measured, the better the more often a device is read."""
        return any(track.is_measuring for track in self.tracks.values())

    def add(self, side: str, arrived_seconds: float, samples: Mono, rate_hz: int) -> None:
        """Place samples of shape (frames,), all that had come from a side's device by a moment."""
        self.tracks[side].add(arrived_seconds, samples, rate_hz)

    def ready(self, now_seconds: float) -> Pair:
        """Hand out what has become final since the last call, a minute of it at most."""
        for track in self.tracks.values():
            track.note_silence(now_seconds)
        final = self._frame(now_seconds - FINAL_SECONDS)
        return self._take(math.floor(min(final, *(t.settled_frame for t in self.tracks.values()))))

    def finish(self, now_seconds: float) -> Pair:
        """Hand out the rest up to a moment, a minute at most: again and again, until nothing comes.

        What was heard after it is dropped.
        """
        for track in self.tracks.values():
            track.end_at(self._frame(now_seconds))
        return self._take(self._frame(now_seconds))

    def _frame(self, moment_seconds: float) -> int:
        return round((moment_seconds - self._origin) * RATE_HZ)

    def _take(self, end: int) -> Pair:
        frames = min(max(0, end - self._frames), round(LARGEST_PIECE_SECONDS * RATE_HZ))
        self._frames += frames
        taken = {side: track.take(frames) for side, track in self.tracks.items()}
        return Pair(taken[MICROPHONE], taken[LOOPBACK])


@dataclass
class _Held:
    """A block whose segment has not begun: the frame at which that would begin by this block alone."""

    segment_start: float
    samples: Mono


@dataclass
class Track:
    """One side: its blocks, placed one behind another, with silence where there are none."""

    origin_seconds: float
    counts: Counts = field(default_factory=Counts)
    drift: Drift = field(default_factory=Drift)
    _rate_hz: int = 0
    _last_arrival: float = 0.0
    _first_held: float = 0.0
    _held: list[_Held] = field(default_factory=list)
    _segment: Run | None = None
    _pieces: deque[Mono] = field(default_factory=deque)
    _taken: int = 0
    _placed: int = 0
    _ended: int = 0  # where the last segment did, whatever silence has been handed out since
    _begun: bool = False

    @property
    def is_measuring(self) -> bool:
        """Whether a segment's start is being measured."""
        return bool(self._held)

    @property
    def settled_frame(self) -> float:
        """The frame before which nothing more can come.

        While a start is being measured it may still turn out to be earlier: behind a stall, what the system
        has kept comes in pieces.
        """
        return self._placed if self._held or self._segment else float("inf")

    def add(self, arrived_seconds: float, samples: Mono, rate_hz: int) -> None:
        """Place a block; see Timeline.add."""
        if rate_hz != self._rate_hz:
            self.end_segment()
            self._rate_hz = rate_hz
        self._last_arrival = arrived_seconds
        end = (arrived_seconds - self.origin_seconds) * RATE_HZ
        start = end - len(samples) * RATE_HZ / rate_hz
        if self._segment:
            late_seconds = (start - self._segment.end_frame) / RATE_HZ
            if abs(late_seconds) <= SLACK_SECONDS:
                self._extend(self._segment, samples, late_seconds, arrived_seconds)
                return
            self.end_segment()
        elif self._held and start - self._held_end > SLACK_SECONDS * RATE_HZ:
            self.end_segment()
        self._hold(start, samples, arrived_seconds)

    def note_silence(self, now_seconds: float) -> None:
        """End the segment if there has been no block for a while."""
        if now_seconds - self._last_arrival > IDLE_SECONDS:
            self.end_segment()

    def end_segment(self) -> None:
        """Place all that is still inside the resampler."""
        if self._held:
            self._begin_segment()
        if self._segment:
            self._place(self._segment.flush())
            self.drift.end_segment()
            self._segment = None
            self._ended = self._placed

    def end_at(self, frame: int) -> None:
        """End the recording: a device that has not come back until then has left a gap."""
        self.end_segment()
        missing = frame - self._ended
        if self._begun and missing > SLACK_SECONDS * RATE_HZ:
            self._count_gap(missing)
        self._ended = max(self._ended, frame)

    def take(self, frames: int) -> Mono:
        """Hand out the next frames, silence where nothing has been placed."""
        self._taken += frames
        self._pad(self._taken - self._placed)
        pieces = []
        while frames:
            piece = self._pieces.popleft()
            pieces.append(piece[:frames])
            if len(piece) > frames:
                self._pieces.appendleft(piece[frames:])
            frames -= len(pieces[-1])
        return np.concatenate(pieces) if pieces else _SILENCE[:0]

    @property
    def _held_frames(self) -> float:
        return sum(len(held.samples) for held in self._held) * RATE_HZ / self._rate_hz

    @property
    def _held_end(self) -> float:
        return self._held_start + self._held_frames

    @property
    def _held_start(self) -> float:
        return min(held.segment_start for held in self._held)

    def _hold(self, start: float, samples: Mono, arrived_seconds: float) -> None:
        if not self._held:
            self._first_held = arrived_seconds
        self._held.append(_Held(start - self._held_frames, samples))
        if arrived_seconds - self._first_held >= HOLD_SECONDS:
            self._begin_segment()

    def _begin_segment(self) -> None:
        start = round(self._held_start)
        samples = np.concatenate([held.samples for held in self._held])
        self._held = []
        gap = start - self._placed
        if abs(gap) <= SEAM_SECONDS * RATE_HZ and self._begun:
            gap = 0
        if gap > 0:
            self._pad(gap)
        elif gap < 0:
            samples = self._without_head(samples, -gap)
        if self._begun and self._placed > self._ended:
            self._count_gap(self._placed - self._ended)
        self._begun = True
        self._segment = Run(self._placed, self._rate_hz, self.drift.stretch)
        self._place(self._segment.feed(samples))

    def _extend(self, segment: Run, samples: Mono, late_seconds: float, arrived_seconds: float) -> None:
        raw_late = arrived_seconds - (segment.fed_frames + len(samples)) / segment.rate_hz
        stretch = self.drift.note(arrived_seconds, raw_late, late_seconds)
        self._place(segment.feed(samples))
        if stretch is not None:
            segment.steer(stretch)

    def _without_head(self, samples: Mono, frames: int) -> Mono:
        """Drop what lies before the end of what is placed."""
        count = min(len(samples), round(frames * self._rate_hz / RATE_HZ))
        dropped = round(count * RATE_HZ / self._rate_hz)
        if self._begun:
            self.counts.dropped_frames += dropped
        else:
            self.counts.early_frames += dropped
        return samples[count:]

    def _place(self, piece: Mono) -> None:
        self._pieces.append(piece)
        self._placed += len(piece)
        self.counts.placed_frames += len(piece)

    def _pad(self, frames: int) -> None:
        """Place silence: the same block again and again, however long a gap is."""
        for start in range(0, frames, len(_SILENCE)):
            self._pieces.append(_SILENCE[: frames - start])
        self._placed += max(0, frames)
        self.counts.silent_frames += max(0, frames)

    def _count_gap(self, frames: int) -> None:
        self.counts.gaps += 1
        self.counts.gap_frames += frames


class Run:
    """A run of blocks on its way to 16 kHz: stretched by the device's drift, then resampled at fixed rate.

    soxr's variable-rate filter lets through what lies up to 140 Hz above half its output rate, and turns the
    phase of what lies not far below. At the device's own rate neither touches speech, and the fixed filter
    behind it leaves nothing above 8 kHz.
    """

    def __init__(self, start_frame: int, rate_hz: int, stretch: float) -> None:
        self.rate_hz = rate_hz
        self.fed_frames = 0
        self.end_frame = float(start_frame)  # where the next block belongs
        self._variable = soxr.ResampleStream(rate_hz * (1 + 2 * LARGEST_STRETCH), rate_hz, 1, vr=True)
        self._fixed = None if rate_hz == RATE_HZ else soxr.ResampleStream(rate_hz, RATE_HZ, 1)
        self.steer(stretch)

    def steer(self, stretch: float) -> None:
        """Make 1 + stretch frames of each frame from now on."""
        self._stretch = stretch
        self._variable.set_io_ratio(self.rate_hz, self.rate_hz * (1 + stretch))

    def feed(self, samples: Mono) -> Mono:
        self.fed_frames += len(samples)
        self.end_frame += len(samples) * (1 + self._stretch) * RATE_HZ / self.rate_hz
        return self._resample(samples, last=False)

    def flush(self) -> Mono:
        return self._resample(np.zeros(0, np.float32), last=True)

    def _resample(self, samples: Mono, last: bool) -> Mono:
        found: Mono = self._variable.resample_chunk(samples, last)
        return found if self._fixed is None else self._fixed.resample_chunk(found, last)
