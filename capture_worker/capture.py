"""The way of a call from two devices to a WAV: inputs -> timeline -> mix -> disk, in one thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from capture_worker import audio
from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.clock import steady_seconds
from capture_worker.disk import DiskThread, in_words
from capture_worker.inputs import DEFAULT, NONE, Inputs, OpenSystem
from capture_worker.levels import Levels, Loudness, Meter
from capture_worker.mixer import LAYOUTS, clipped_frames
from capture_worker.notices import Warn, notice
from capture_worker.timeline import Pair, Timeline
from capture_worker.verdict import Verdict, judge_side
from capture_worker.wav import WavWriter
from shared.errors import AudioUnavailable, OffhookError
from shared.store.captures import TICKS_PER_SECOND

log = logging.getLogger(__name__)

POLL_SECONDS = 0.02
#: While the start of a segment is measured, which the least late of its blocks tells.
MEASURING_POLL_SECONDS = 0.005
#: Polls come at an uneven beat. At an even one close to the device's own, packets would seem late by the same
#: for seconds, and the least late of them would tell a wrong time.
UNEVENNESS, GOLDEN_RATIO = 0.8, 0.618034
LEVEL_SECONDS = 0.1
WRITE_SECONDS = 0.1
#: Audio that was said before a stop may arrive just after it.
LATE_SECONDS = 0.1
OPEN_SECONDS = 30.0
ASKED, TOO_LONG, SILENCE = "asked", "longest_recording", "silence"


@dataclass(frozen=True)
class Plan:
    """What to record, and when to stop by itself."""

    microphone: str = DEFAULT
    loopback: str = DEFAULT
    layout: str = "mono"
    longest_seconds: float = 12 * 3600.0
    silence_seconds: float = 0.0  # 0: never
    silence_dbfs: float = -50.0

    @property
    def wanted(self) -> dict[str, str]:
        """The device wanted for each side."""
        return {MICROPHONE: self.microphone, LOOPBACK: self.loopback}


class DualStreamCapture:
    """Records both sides of a call into one WAV, from `start` to `stop`.

    `on_level` gets the levels ten times a second, `on_warning` a code and a message; both are called in the
    audio thread and must not wait; what they raise is logged. `ended` is set when the file is closed; `error`
    says what ended it if that was neither asked for nor planned.
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
        self._channels, self._mix = LAYOUTS[self.plan.layout]
        self._opened, self._stopping = threading.Event(), threading.Event()
        self._reason = ASKED
        self._close_inputs: Callable[[], None] = lambda: None
        self._origin = 0.0
        self._clipped = dict.fromkeys(SIDES, 0)
        self._suspected = False
        self._polls = 0
        self._thread = threading.Thread(target=self._run, name="audio", daemon=True)

    def start(self) -> None:
        """Open the devices and record; without any, there is no file either.

        Raises NoDevice, AudioUnavailable, DiskFull, OffhookError.
        """
        self._origin = self._clock()
        self._disk = DiskThread(_new_file(self.path, self._channels))
        self._disk.start()
        self._thread.start()
        if not self._opened.wait(OPEN_SECONDS):
            self._stopping.set()
            raise AudioUnavailable(
                f"The audio devices have not answered for {OPEN_SECONDS:g} s. Unplug the one that hangs."
            )
        if self.ended.is_set() and self.error:
            self.path.unlink(missing_ok=True)
            raise self.error

    def stop(self) -> Verdict:
        """Record what is still on its way, close the file and say how it went, once it has been started."""
        self._stopping.set()
        self.ended.wait()
        return self.verdict

    @property
    def seconds(self) -> float:
        """How long the recording runs, or how long it became."""
        return self._disk.seconds if self.ended.is_set() else self._clock() - self._origin

    def device_names(self) -> dict[str, str | None]:
        """The device that each side is heard from now."""
        sides = self._inputs.sides.items()
        return {side: i.device.name if i.stream and i.device else None for side, i in sides}

    @property
    def verdict(self) -> Verdict:
        """How it goes, or how it went."""
        return Verdict(
            duration_seconds=round(self._disk.seconds, 3),
            layout=self.plan.layout,
            reason=self.error.code if self.error else self._reason,
            recovered=False,
            sides={
                side: judge_side(input_, self._timeline.tracks[side], self.loudness, self._clipped[side])
                for side, input_ in self._inputs.sides.items()
            },
        )

    def _run(self) -> None:
        try:
            self._record()
        except OffhookError as error:
            self.error = error
        except Exception as error:  # nothing may keep the file from being closed
            log.exception("the recording has ended")
            self.error = OffhookError(f"The recording has ended: {type(error).__name__}: {error}")
        finally:
            self._disk.close()
            self.error = self.error or self._disk.error
            self.ended.set()
            self._opened.set()
            self._close_inputs()  # last: a driver may hang in it

    def _record(self) -> None:
        self._timeline = Timeline(self._origin)
        self._meter = Meter()
        inputs = Inputs(self._open_system, self.plan.wanted, self._warn)
        self._close_inputs, self._inputs = inputs.close, inputs
        inputs.open(self._clock())
        self._opened.set()
        self._follow()

    def _follow(self) -> None:
        """Record until there is a reason to stop, then what was said until then."""
        next_level = next_write = self._clock()
        while not self._stopping.is_set():
            now = self._take_in()
            if now >= next_level:
                self._on_level(self._meter.read(now - self._origin))
                next_level = max(next_level + LEVEL_SECONDS, now)
            if now >= next_write:
                self._hand_out(self._timeline.ready(now))
                self._mind_the_limits(now - self._origin)
                next_write = max(next_write + WRITE_SECONDS, now)
            self._inputs.look_after(now)
            self._pause()
        end = self._clock()
        while self._take_in() < end + LATE_SECONDS:
            self._pause()
        while self._hand_out(self._timeline.finish(end)):
            self._disk.catch_up()

    def _pause(self) -> None:
        self._polls += 1
        uneven = self._polls * GOLDEN_RATIO % 1 - 0.5
        beat = MEASURING_POLL_SECONDS if self._timeline.is_measuring else POLL_SECONDS
        self._sleep(beat * (1 + UNEVENNESS * uneven))

    def _take_in(self) -> float:
        for heard in self._inputs.read():
            self._timeline.add(*heard)
            self._meter.add(heard.side, heard.samples)
        return self._clock()

    def _hand_out(self, pair: Pair) -> bool:
        """Have a stretch written and measured; False if there is nothing of it."""
        if not len(pair.microphone):
            return False
        self._disk.put(self._mix(pair, self._inputs.heard).tobytes())
        self.loudness.add(pair)
        for side, samples in zip(SIDES, pair, strict=True):
            self._clipped[side] += clipped_frames(samples)
        self._mind_the_loopback()
        return True

    def _mind_the_loopback(self) -> None:
        if self.plan.loopback == NONE or LOOPBACK not in self._inputs.heard:
            return
        suspicious = self.loudness.loopback_is_suspicious()
        if suspicious and not self._suspected:
            notice(self._warn, "loopback_silent")
        self._suspected = suspicious

    def _mind_the_limits(self, seconds: float) -> None:
        """Stop when there is a reason. Raises DiskFull."""
        if self._disk.error:
            raise self._disk.error
        silent_seconds = self.loudness.both_silent_ticks / TICKS_PER_SECOND
        if seconds >= self.plan.longest_seconds:
            self._reason = TOO_LONG
        elif 0 < self.plan.silence_seconds <= silent_seconds:
            self._reason = SILENCE
        else:
            return
        self._stopping.set()


def _guarded(callback: Callable[..., None]) -> Callable[..., None]:
    """A listener whose faults are its own: they do not end the recording."""

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
        raise in_words(error, path) from error
