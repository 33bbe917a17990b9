"""MAIN PATH of a recording, from two devices to a WAV: inputs -> timeline -> mix -> disk, in one thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from capture_worker import audio
from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.clock import steady_seconds
from capture_worker.disk import DiskThread, recording_error
from capture_worker.inputs import NONE, Inputs, OpenSystem
from capture_worker.levels import Levels, Loudness, Meter
from capture_worker.mixer import LAYOUTS, clipped_frames
from capture_worker.notices import Warn, notice
from capture_worker.plan import Plan
from capture_worker.samples import Pair
from capture_worker.strain import DISK_LATE, Strain
from capture_worker.timeline import Timeline
from capture_worker.verdict import Verdict, judge_side
from capture_worker.wav import WavWriter
from shared.capture_errors import AudioUnavailable
from shared.errors import OffhookError, in_words

log = logging.getLogger(__name__)

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
OPEN_SECONDS = 30.0
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


class DualStreamCapture:
    """Records both sides of a call into one WAV, from `start` to `stop`.

    `on_level` gets the levels ten times a second, `on_warning` a code and a message. Both are called in the
    audio thread and must not wait; their exceptions are logged. `ended` is set when the file is closed.
    `error` is the fault that ended the recording, if there was one. Before `start` has returned, the other
    methods raise RuntimeError.
    """

    def __init__(
        self,
        path: Path,
        plan: Plan | None = None,
        *,
        on_level: Callable[[Levels], None] = lambda _: None,
        on_warning: Warn = lambda code, message: None,
        open_system: OpenSystem = audio.open_system,
        clock: Callable[[], float] = steady_seconds,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path, self.plan = path, plan or Plan()
        self.loudness = Loudness(self.plan.silence_dbfs)
        self.ended = threading.Event()
        self.error: OffhookError | None = None
        self._on_level, self._warn = _guarded(on_level), _guarded(on_warning)
        self._open_system = open_system
        self._clock, self._sleep = clock, sleep
        self._strain = Strain(clock)
        self._opened, self._stopping = threading.Event(), threading.Event()
        self._pipeline: Pipeline | None = None
        self._origin = 0.0

    def start(self) -> None:
        """Open the devices and record; no file is left if it raises.

        Raises NoDevice, AudioUnavailable, DiskFull, OffhookError.
        """
        self._origin = self._clock()
        wav = _new_file(self.path, LAYOUTS[self.plan.layout][0])
        disk = DiskThread(wav, on_late=partial(self._strain.note, DISK_LATE))
        disk.start()
        threading.Thread(target=self._run, args=(disk,), name="audio", daemon=True).start()
        if not self._opened.wait(OPEN_SECONDS):
            self._stopping.set()
            raise AudioUnavailable(
                f"The audio devices have not answered for {OPEN_SECONDS:g} s. Unplug the one that hangs."
            )
        if self.ended.is_set() and self.error:
            self.path.unlink(missing_ok=True)
            raise self.error

    def stop(self) -> Verdict:
        """Write the audio that is still arriving, close the file and return the verdict."""
        pipeline = self._running()
        self._stopping.set()
        self.ended.wait()
        return self._judge(pipeline)

    @property
    def seconds(self) -> float:
        """The length so far, or of the finished file."""
        pipeline = self._running()
        return pipeline.disk.seconds if self.ended.is_set() else self._clock() - self._origin

    @property
    def verdict(self) -> Verdict:
        """The verdict so far, or of the finished recording."""
        return self._judge(self._running())

    @property
    def strain(self) -> str | None:
        """What it has trouble with now: `capture_late`, `disk_late` or None."""
        return None if self.ended.is_set() else self._strain.now()

    def device_names(self) -> dict[str, str | None]:
        """Return the name of the open device of each side."""
        sides = self._running().inputs.sides.items()
        return {side: i.device.name if i.stream and i.device else None for side, i in sides}

    def _running(self) -> Pipeline:
        if self._pipeline is None:
            raise RuntimeError("This recording has not been started.")
        return self._pipeline

    def _judge(self, pipeline: Pipeline) -> Verdict:
        return Verdict(
            duration_seconds=round(pipeline.disk.seconds, 3),
            layout=self.plan.layout,
            reason=self.error.code if self.error else pipeline.reason,
            recovered=False,
            sides={
                side: judge_side(
                    input_, pipeline.timeline.tracks[side], self.loudness, pipeline.clipped[side]
                )
                for side, input_ in pipeline.inputs.sides.items()
            },
        )

    def _run(self, disk: DiskThread) -> None:
        """Open the devices, record, and close the file in any case; this is the audio thread."""
        inputs: Inputs | None = None
        try:
            inputs = Inputs(self._open_system, self.plan.wanted, self._warn)
            inputs.open(self._clock())
            self._pipeline = pipeline = self._connected(inputs, disk)
            self._opened.set()
            pipeline.run(self._stopping)
        except OffhookError as error:
            self.error = error
        except Exception as error:  # the file must be closed
            log.exception("the recording has ended")
            self.error = OffhookError(f"The recording has ended: {type(error).__name__}: {in_words(error)}")
        finally:
            disk.close()
            self.error = self.error or disk.error
            self.ended.set()
            self._opened.set()
            if inputs:
                inputs.close()  # last: a driver may hang in it

    def _connected(self, inputs: Inputs, disk: DiskThread) -> Pipeline:
        return Pipeline(
            self.plan,
            inputs,
            disk,
            self._origin,
            loudness=self.loudness,
            strain=self._strain,
            on_level=self._on_level,
            warn=self._warn,
            clock=self._clock,
            sleep=self._sleep,
        )


def _guarded(callback: Callable[..., None]) -> Callable[..., None]:
    """Log a listener's exceptions instead of ending the recording."""

    def call(*arguments: object) -> None:
        try:
            callback(*arguments)
        except Exception:
            log.exception("a listener has failed")

    return call


def _new_file(path: Path, channels: int) -> WavWriter:
    try:
        return WavWriter(path, channels)
    except OSError as error:
        raise recording_error(error, path) from error
