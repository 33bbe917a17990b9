"""Measures the timeline with two drifting clocks: `python -m bench.timeline [--hours 2 8] [--ppm 100 -100]`.

Virtual sound cards return packets of 10 ms to polls that jitter and stall for up to 1 s. Their clocks are
off in opposite directions and wander, and the loopback gives no data half of the time. Both sides have a
pulse at every full second of true time, whose position on the timeline is measured.
"""

from __future__ import annotations

import argparse
import math
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.samples import RATE_HZ, Pair
from capture_worker.timeline import Timeline

PACKET_SECONDS, POLL_SECONDS = 0.010, 0.020
STALLS_A_POLL = 1e-4
WANDER_PPM, WANDER_PERIOD_SECONDS = 10.0, 1800.0
PULSE_SECONDS = 0.0005
WARM_UP_SECONDS = 600.0
Samples = NDArray[np.float32]


@dataclass
class Card:
    """A virtual sound card; its clock is off by `ppm` and wanders, its audio late by `latency_seconds`."""

    rate_hz: int
    ppm: float
    latency_seconds: float
    heard_seconds: float = 0.0
    _frames: int = 0

    def read(self, now_seconds: float) -> Samples:
        """Return all packets that have arrived by now."""
        first, self._frames = self._frames, self._there(now_seconds)
        start, end = self._seconds_of(first), self._seconds_of(self._frames)
        self.heard_seconds += end - start
        return _pulses(np.linspace(start, end, self._frames - first, endpoint=False))

    def skip(self, now_seconds: float) -> None:
        """Skip the audio, as a WASAPI loopback does while nothing plays."""
        self._frames = self._there(now_seconds)

    def _there(self, now_seconds: float) -> int:
        packet = round(self.rate_hz * PACKET_SECONDS)
        return int(self._frames_at(now_seconds - self.latency_seconds) // packet) * packet

    def _frames_at(self, seconds: float) -> float:
        wander = WANDER_PPM * WANDER_PERIOD_SECONDS / math.tau
        swing = wander * (1 - math.cos(math.tau * seconds / WANDER_PERIOD_SECONDS))
        return self.rate_hz * (seconds + (self.ppm * seconds + swing) * 1e-6)

    def _seconds_of(self, frame: int) -> float:
        seconds = frame / self.rate_hz
        for _ in range(3):
            seconds -= (self._frames_at(seconds) - frame) / self.rate_hz
        return seconds


def _pulses(times: NDArray[np.float64]) -> Samples:
    if not len(times) or math.floor(times[0] - 0.01) == math.floor(times[-1] + 0.01):
        return np.zeros(len(times), np.float32)
    offset = times - np.round(times)
    pulses: Samples = np.exp(-((offset / PULSE_SECONDS) ** 2)).astype(np.float32)
    return pulses


@dataclass
class Found:
    """The errors of each side's pulses: second -> error in milliseconds."""

    errors_ms: dict[str, dict[int, float]] = field(default_factory=lambda: {side: {} for side in SIDES})
    _tail: Pair = field(default_factory=lambda: Pair(np.zeros(0, np.float32), np.zeros(0, np.float32)))
    _second: int = 0

    def look(self, pair: Pair) -> None:
        """Search the next stretch for pulses whose surroundings have arrived."""
        self._tail = Pair(*(np.concatenate(both) for both in zip(self._tail, pair, strict=True)))
        while len(self._tail.microphone) >= 1.5 * RATE_HZ:
            for side, audio in zip(SIDES, self._tail, strict=True):
                self._measure(side, audio[RATE_HZ // 2 : RATE_HZ * 3 // 2])
            self._tail = Pair(*(audio[RATE_HZ:] for audio in self._tail))
            self._second += 1

    def _measure(self, side: str, audio: Samples) -> None:
        peak = int(audio.argmax())
        if audio[peak] > 0.5 and 100 < peak < len(audio) - 100:
            around = np.abs(audio[peak - 40 : peak + 41].astype(np.float64))
            centre = peak + float((around * np.arange(-40, 41)).sum() / around.sum())
            self.errors_ms[side][self._second + 1] = (centre - RATE_HZ / 2) / RATE_HZ * 1000

    def between_sides_ms(self) -> NDArray[np.float64]:
        """Return the distances between both sides' pulses of the same second."""
        mic, loopback = self.errors_ms[MICROPHONE], self.errors_ms[LOOPBACK]
        return np.array([abs(mic[second] - loopback[second]) for second in mic.keys() & loopback.keys()])


def polls(hours: float, random: np.random.Generator) -> Iterator[tuple[float, bool]]:
    """Yield the times of the polls, and whether the loopback plays, in turns of 2 to 40 s."""
    now, plays, until = 0.0, True, 10.0
    while now < hours * 3600:
        now += POLL_SECONDS * random.uniform(0.5, 1.6)
        if random.random() < STALLS_A_POLL:
            now += random.uniform(0.05, 1.0)
        if now > until:
            plays, until = not plays, now + random.uniform(2, 40)
        yield now, plays


@dataclass
class Run:
    """One simulation, and its processor time."""

    hours: float
    ppm: float
    timeline: Timeline = field(default_factory=lambda: Timeline(0.0))
    found: Found = field(default_factory=Found)
    length_seconds: float = 0.0
    busy_seconds: float = 0.0
    memory_kb: int = 0

    def __post_init__(self) -> None:
        self.cards = {MICROPHONE: Card(44_100, self.ppm, 0.010), LOOPBACK: Card(48_000, -self.ppm, 0.010)}

    def simulate(self, seed: int) -> float:
        """Run the simulation; return the clock's time at the end."""
        now = 0.0
        for now, plays in polls(self.hours, np.random.default_rng(seed)):
            heard = {MICROPHONE: self.cards[MICROPHONE].read(now)}
            if plays:
                heard[LOOPBACK] = self.cards[LOOPBACK].read(now)
            else:
                self.cards[LOOPBACK].skip(now)
            self._place(heard, now)
            if not self.memory_kb and now > WARM_UP_SECONDS:
                self.memory_kb = _memory_kb()
        self._take(self.timeline.finish(now))
        return now

    def _place(self, heard: dict[str, Samples], now: float) -> None:
        started = time.thread_time()
        for side, samples in heard.items():
            if len(samples):
                self.timeline.add(side, now, samples, self.cards[side].rate_hz)
        pair = self.timeline.ready(now)
        self.busy_seconds += time.thread_time() - started
        self._take(pair)

    def _take(self, pair: Pair) -> None:
        self.length_seconds += len(pair.microphone) / RATE_HZ
        self.found.look(pair)

    def surplus_ms(self, side: str) -> float:
        """Return the length of all audio, placed or dropped, minus the time in which it was heard."""
        counts = self.timeline.tracks[side].counts
        frames = counts.placed_frames + counts.dropped_frames + counts.early_frames
        return (frames / RATE_HZ - self.cards[side].heard_seconds) * 1000


def row(hours: float, ppm: float, seed: int) -> list[str]:
    """Run a simulation and return its line."""
    run = Run(hours, ppm)
    clock_seconds = run.simulate(seed)
    between = run.found.between_sides_ms()
    mic, loopback = (run.timeline.tracks[side] for side in SIDES)
    return [
        f"{hours:g} h",
        f"{ppm:+g}, {-ppm:+g}",
        f"{mic.drift.ppm:+.0f}, {loopback.drift.ppm:+.0f}",
        f"{between.max():.1f} ms",
        f"{np.quantile(between, 0.95):.1f} ms",
        f"{(run.length_seconds - clock_seconds) * 1000:+.2f} ms",
        f"{run.surplus_ms(MICROPHONE):+.0f}, {run.surplus_ms(LOOPBACK):+.0f} ms",
        f"{mic.counts.gaps}, {mic.counts.dropped_frames + loopback.counts.dropped_frames}",
        f"{run.busy_seconds / clock_seconds:.2%}",
        f"{(_memory_kb() - run.memory_kb) / 1024:.1f} MB",
    ]


def _memory_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


HEADING = (
    *("length", "ppm off", "learnt", "between sides, most", "p95", "length - clock", "audio - time heard"),
    *("gaps, dropped frames", "CPU of a core", "memory growth"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, nargs="+", default=[2.0, 8.0])
    parser.add_argument("--ppm", type=float, nargs="+", default=[100.0, -100.0])
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print(f"| {' | '.join(HEADING)} |\n|{'---|' * len(HEADING)}")
    for hours in chosen.hours:
        for ppm in chosen.ppm:
            print(f"| {' | '.join(row(hours, ppm, chosen.seed))} |", flush=True)


if __name__ == "__main__":
    main()
