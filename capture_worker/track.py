"""One side of the timeline: runs of blocks, resampled to 16 kHz, with silence where there are no blocks.

A run is an uninterrupted sequence of blocks. Its start is measured once; from then on its rate is steered.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import soxr

from capture_worker.drift import LARGEST_STRETCH, Drift
from capture_worker.samples import RATE_HZ, Mono

#: How long the blocks of a new run are kept back; the earliest of them gives its start.
MEASURING_SECONDS = 0.3
#: A block off by more than this means that audio is missing or came twice.
SLACK_SECONDS = 0.040
#: A run that starts this close to the end of the last one is appended to it.
SEAM_SECONDS = 0.005
#: A run has ended when no block has come for this long.
IDLE_SECONDS = 0.1

_SILENCE = np.zeros(10 * RATE_HZ, np.float32)
_SILENCE.flags.writeable = False


@dataclass
class Counts:
    """Counts of one side's audio, in frames of the timeline at 16 kHz."""

    placed_frames: int = 0
    silent_frames: int = 0
    dropped_frames: int = 0
    early_frames: int = 0  # from before the recording began
    gaps: int = 0
    gap_frames: int = 0


@dataclass
class _Kept:
    """A block of a run whose start is being measured, and the frame at which the run starts by this block."""

    run_start: float
    samples: Mono


@dataclass
class Track:
    """One side: its blocks in order, with silence where there are none."""

    origin_seconds: float
    counts: Counts = field(default_factory=Counts)
    drift: Drift = field(default_factory=Drift)
    _rate_hz: int = 0
    _last_arrival: float = 0.0
    _first_kept: float = 0.0
    _kept: list[_Kept] = field(default_factory=list)
    _run: Run | None = None
    _pieces: deque[Mono] = field(default_factory=deque)
    _taken: int = 0
    _placed: int = 0
    _ended: int = 0  # end of the last run, before any silence after it
    _begun: bool = False

    @property
    def is_measuring(self) -> bool:
        """Whether a run's start is being measured."""
        return bool(self._kept)

    @property
    def final_frame(self) -> float:
        """The frame before which nothing more can be added.

        A start that is being measured may turn out to be earlier: after a stall the system delivers its
        buffer in pieces.
        """
        return self._placed if self._kept or self._run else float("inf")

    def add(self, arrived_seconds: float, samples: Mono, rate_hz: int) -> None:
        """Place a block; see Timeline.add."""
        if rate_hz != self._rate_hz:
            self.end_run()
            self._rate_hz = rate_hz
        self._last_arrival = arrived_seconds
        end = (arrived_seconds - self.origin_seconds) * RATE_HZ
        start = end - len(samples) * RATE_HZ / rate_hz
        if self._run:
            late_seconds = (start - self._run.end_frame) / RATE_HZ
            if abs(late_seconds) <= SLACK_SECONDS:
                self._extend(self._run, samples, late_seconds, arrived_seconds)
                return
            self.end_run()
        elif self._kept and start - self._kept_end > SLACK_SECONDS * RATE_HZ:
            self.end_run()
        self._keep(start, samples, arrived_seconds)

    def note_silence(self, now_seconds: float) -> None:
        """End the run if no block has come for a while."""
        if now_seconds - self._last_arrival > IDLE_SECONDS:
            self.end_run()

    def end_run(self) -> None:
        """Place the rest of the run, from the resampler."""
        if self._kept:
            self._begin_run()
        if self._run:
            self._place(self._run.flush())
            self.drift.end_run()
            self._run = None
            self._ended = self._placed

    def end_at(self, frame: int) -> None:
        """End the recording; a lost device that has not returned leaves a gap."""
        self.end_run()
        missing = frame - self._ended
        if self._begun and missing > SLACK_SECONDS * RATE_HZ:
            self._count_gap(missing)
        self._ended = max(self._ended, frame)

    def take(self, frames: int) -> Mono:
        """Return the next frames, silence where nothing has been placed."""
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
    def _kept_frames(self) -> float:
        return sum(len(kept.samples) for kept in self._kept) * RATE_HZ / self._rate_hz

    @property
    def _kept_end(self) -> float:
        return self._kept_start + self._kept_frames

    @property
    def _kept_start(self) -> float:
        return min(kept.run_start for kept in self._kept)

    def _keep(self, start: float, samples: Mono, arrived_seconds: float) -> None:
        if not self._kept:
            self._first_kept = arrived_seconds
        self._kept.append(_Kept(start - self._kept_frames, samples))
        if arrived_seconds - self._first_kept >= MEASURING_SECONDS:
            self._begin_run()

    def _begin_run(self) -> None:
        start = round(self._kept_start)
        samples = np.concatenate([kept.samples for kept in self._kept])
        self._kept = []
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
        self._run = Run(self._placed, self._rate_hz, self.drift.stretch)
        self._place(self._run.feed(samples))

    def _extend(self, run: Run, samples: Mono, late_seconds: float, arrived_seconds: float) -> None:
        raw_late = arrived_seconds - (run.fed_frames + len(samples)) / run.rate_hz
        stretch = self.drift.note(arrived_seconds, raw_late, late_seconds)
        self._place(run.feed(samples))
        if stretch is not None:
            run.steer(stretch)

    def _without_head(self, samples: Mono, frames: int) -> Mono:
        """Drop samples that lie before the end of the placed audio."""
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
        """Place silence: references to one block, so a long gap takes no memory."""
        for start in range(0, frames, len(_SILENCE)):
            self._pieces.append(_SILENCE[: frames - start])
        self._placed += max(0, frames)
        self.counts.silent_frames += max(0, frames)

    def _count_gap(self, frames: int) -> None:
        self.counts.gaps += 1
        self.counts.gap_frames += frames


class Run:
    """Resamples a run of blocks to 16 kHz: by the device's drift first, then at a fixed rate.

    soxr's variable-rate filter passes frequencies up to 140 Hz above half its output rate, and shifts the
    phase of those not far below. At the device's own rate neither affects speech, and the fixed filter that
    follows removes all above 8 kHz.
    """

    def __init__(self, start_frame: int, rate_hz: int, stretch: float) -> None:
        self.rate_hz = rate_hz
        self.fed_frames = 0
        self.end_frame = float(start_frame)  # position of the next block
        self._variable = soxr.ResampleStream(rate_hz * (1 + 2 * LARGEST_STRETCH), rate_hz, 1, vr=True)
        self._fixed = None if rate_hz == RATE_HZ else soxr.ResampleStream(rate_hz, RATE_HZ, 1)
        self.steer(stretch)

    def steer(self, stretch: float) -> None:
        """Return 1 + stretch frames for each frame from now on."""
        self._stretch = stretch
        self._variable.set_io_ratio(self.rate_hz, self.rate_hz * (1 + stretch))

    def feed(self, samples: Mono) -> Mono:
        """Add a block; return the frames that are ready."""
        self.fed_frames += len(samples)
        self.end_frame += len(samples) * (1 + self._stretch) * RATE_HZ / self.rate_hz
        return self._resample(samples, last=False)

    def flush(self) -> Mono:
        """Return the rest."""
        return self._resample(np.zeros(0, np.float32), last=True)

    def _resample(self, samples: Mono, last: bool) -> Mono:
        found: Mono = self._variable.resample_chunk(samples, last)
        return found if self._fixed is None else self._fixed.resample_chunk(found, last)
