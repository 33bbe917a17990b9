"""One recording: opens the devices and the file, runs the audio thread, and judges what was recorded."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from capture_worker import audio
from capture_worker.clock import steady_seconds
from capture_worker.disk import DiskThread, recording_error
from capture_worker.inputs import Inputs, OpenSystem
from capture_worker.levels import Levels, Loudness
from capture_worker.mixer import LAYOUTS
from capture_worker.notices import Warn
from capture_worker.pipeline import Pipeline
from capture_worker.plan import Plan
from capture_worker.strain import DISK_LATE, Strain
from capture_worker.verdict import Verdict, judge_side
from capture_worker.wav import WavWriter
from shared.capture_errors import AudioUnavailable
from shared.errors import OffhookError, in_words

log = logging.getLogger(__name__)

OPEN_SECONDS = 30.0


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
