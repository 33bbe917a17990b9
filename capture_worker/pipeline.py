"""MAIN PATH of a recording, from two devices to a WAV: inputs -> timeline -> mix -> disk, in one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.disk import DiskThread
from capture_worker.inputs import NONE, Inputs
from capture_worker.levels import Levels, Loudness, Meter
from capture_worker.mixer import LAYOUTS, clipped_frames
from capture_worker.notices import Warn, notice
from capture_worker.plan import Plan
from capture_worker.samples import Pair
from capture_worker.strain import Strain
from capture_worker.timeline import Timeline

POLL_SECONDS = 0.02
#: While the start of a run is measured by its earliest block: more reads measure it better.
MEASURING_POLL_SECONDS = 0.005
#: Polls are spaced unevenly. At an even spacing close to the device's own, all packets would seem equally
#: late for seconds, and the start would be measured wrong.
UNEVENNESS, GOLDEN_RATIO = 0.8, 0.618034
LEVEL_SECONDS = 0.1
WRITE_SECONDS = 0.1
#: Audio from before a stop may arrive this much later.
LATE_SECONDS = 0.1
ASKED, TOO_LONG, SILENCE = "asked", "longest_recording", "silence"


class Pipeline:
    """The parts of a recording, from the devices to the disk. One thread runs it; others may read from it."""

    def __init__(
        self,
        plan: Plan,
        inputs: Inputs,
        disk: DiskThread,
        origin_seconds: float,
        *,
        loudness: Loudness,
        strain: Strain,
        on_level: Callable[[Levels], None],
        warn: Warn,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self.reason = ASKED
        self.clipped = dict.fromkeys(SIDES, 0)
        self.inputs, self.disk, self.timeline = inputs, disk, Timeline(origin_seconds)
        self._plan, self._origin, self._loudness, self._strain = plan, origin_seconds, loudness, strain
        self._on_level, self._warn = on_level, warn
        self._clock, self._sleep = clock, sleep
        _, self._mix = LAYOUTS[plan.layout]
        self._meter = Meter()
        self._warned_of_silence = False
        self._polls = 0

    def run(self, stopping: threading.Event) -> None:
        """Record until there is a reason to stop; write the audio up to that moment. Raises DiskFull."""
        next_level = next_write = self._clock()
        while not stopping.is_set():
            now = self._poll_inputs()
            self._strain.beat(now)
            if now >= next_level:
                self._on_level(self._meter.read(now - self._origin))
                next_level = max(next_level + LEVEL_SECONDS, now)
            if now >= next_write:
                self._write(self.timeline.ready(now))
                if reason := self._reason_to_stop(now - self._origin):
                    self.reason = reason
                    stopping.set()
                next_write = max(next_write + WRITE_SECONDS, now)
            self.inputs.look_after(now)
            self._pause()
        self._finish(self._clock())

    def _finish(self, end_seconds: float) -> None:
        """Write the audio up to `end_seconds`."""
        while self._poll_inputs() < end_seconds + LATE_SECONDS:
            self._pause()
        while self._write(self.timeline.finish(end_seconds)):
            self.disk.catch_up()

    def _pause(self) -> None:
        self._polls += 1
        uneven = self._polls * GOLDEN_RATIO % 1 - 0.5
        spacing = MEASURING_POLL_SECONDS if self.timeline.is_measuring else POLL_SECONDS
        self._sleep(spacing * (1 + UNEVENNESS * uneven))

    def _poll_inputs(self) -> float:
        for heard in self.inputs.read():
            self.timeline.add(*heard)
            self._meter.add(heard.side, heard.samples)
        return self._clock()

    def _write(self, pair: Pair) -> bool:
        """Queue a stretch for writing, and measure it; False if it is empty."""
        if not len(pair.microphone):
            return False
        self.disk.put(self._mix(pair, self.inputs.heard).tobytes())
        self._loudness.add(pair)
        for side, samples in zip(SIDES, pair, strict=True):
            self.clipped[side] += clipped_frames(samples)
        self._watch_loopback()
        self._strain.count_gaps(
            self.timeline.tracks[MICROPHONE].counts.gaps, self.inputs.sides[MICROPHONE].losses
        )
        return True

    def _watch_loopback(self) -> None:
        """Warn once each time that the loopback is silent while the microphone hears speech."""
        if self._plan.loopback == NONE or LOOPBACK not in self.inputs.heard:
            return
        suspicious = self._loudness.loopback_is_suspicious()
        if suspicious and not self._warned_of_silence:
            notice(self._warn, "loopback_silent")
        self._warned_of_silence = suspicious

    def _reason_to_stop(self, seconds: float) -> str | None:
        """Raises DiskFull."""
        if self.disk.error:
            raise self.disk.error
        if seconds >= self._plan.longest_seconds:
            return TOO_LONG
        return SILENCE if 0 < self._plan.silence_seconds <= self._loudness.both_silent_seconds else None
