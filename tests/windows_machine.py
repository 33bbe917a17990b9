"""A Windows machine for tests: what is plugged in, what plays, and what reaches those who listen.

It knows nothing of PortAudio, which is in `fake_portaudio.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

#: Seconds of the machine's clock to samples, (frames,) or (frames, channels).
Sound = Callable[[NDArray[np.float64]], NDArray[Any]]

PACKETS_PER_SECOND = 100
LATENCY_SECONDS = 0.01


def tone(hz: float = 440.0, level: float = 0.25) -> Sound:
    return lambda seconds: level * np.sin(2 * np.pi * hz * seconds)


def silence(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros(len(seconds))


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Endpoint:
    """A device of Windows in its mix format: what everything that is shared is played and recorded in.

    `ppm` is how much faster than the machine's clock its own clock goes.
    """

    def __init__(self, name: str, rate_hz: int = 48_000, channels: int = 2, *, ppm: float = 0.0) -> None:
        self.name, self.rate_hz, self.channels, self.ppm = name, rate_hz, channels, ppm
        self.sound: Sound | None = None
        self.is_present = True
        self.refuses: int | None = None
        self.refuses_to_start = False

    def format(self) -> tuple[int, int]:
        """Return the sample rate and the channels that it has at this moment."""
        return self.rate_hz, self.channels


class Microphone(Endpoint):
    """It gives frames all the time, silent or not."""

    def __init__(self, name: str, rate_hz: int = 48_000, channels: int = 1, *, ppm: float = 0.0) -> None:
        super().__init__(name, rate_hz, channels, ppm=ppm)
        self.sound = silence
        self.is_open = False


class Render(Endpoint):
    """Loudspeakers or headphones. `sound` is None while nothing plays: then its loopback gives no frames.

    As a Bluetooth `headset` it changes to the format of a telephone while its microphone is open.
    """

    headset: Microphone | None = None
    call_format = (16_000, 1)

    def format(self) -> tuple[int, int]:
        return self.call_format if self.headset and self.headset.is_open else super().format()


class Stream:
    """A stream as PortAudio has it: a buffer of two times frames_per_buffer that loses what is too old."""

    def __init__(self, endpoint: Endpoint, frames_per_buffer: int, now: float) -> None:
        self.endpoint = endpoint
        self.format = endpoint.format()
        self.capacity = 2 * frames_per_buffer
        self.frames = np.zeros((0, self.format[1]), np.float32)
        self.inputLatency = self.outputLatency = LATENCY_SECONDS
        self.is_open, self.is_running, self.is_lost, self.has_overflowed = True, False, False, False
        self.start(now)

    def start(self, now: float) -> None:
        self.since_seconds, self.made = now, 0

    def settle(self, now: float) -> None:
        """Take in, by the packet, what has sounded since the last time."""
        if not self.is_running or self.is_lost or self.endpoint.sound is None:
            self.start(now)
            return
        rate_hz = self.format[0] * (1 + self.endpoint.ppm * 1e-6)
        packet = self.format[0] // PACKETS_PER_SECOND
        made = int((now - self.since_seconds) * rate_hz / packet + 1e-6) * packet
        kept = np.arange(max(self.made, made - self.capacity), made)
        self.has_overflowed |= len(self.frames) + made - self.made > self.capacity
        self.made = made
        sounded = np.asarray(self.endpoint.sound(self.since_seconds + kept / rate_hz), np.float32)
        shape = (len(kept), self.format[1])
        sounded = np.broadcast_to(sounded[:, None] if sounded.ndim == 1 else sounded, shape)
        self.frames = np.concatenate([self.frames, sounded])[-self.capacity :]


class Process(Protocol):
    """Somebody who listens."""

    streams: list[Stream]


class Machine:
    """What is plugged in, what plays, and every process that has its ear on it. Any thread may change it."""

    def __init__(self, *endpoints: Endpoint, clock: Callable[[], float] | None = None) -> None:
        self.clock = clock or Clock()
        self.endpoints = list(endpoints)
        self.has_wasapi = True
        self.lock = threading.RLock()
        self.processes: list[Process] = []
        self.default_render = next((e for e in endpoints if isinstance(e, Render)), None)
        self.default_microphone = next((e for e in endpoints if isinstance(e, Microphone)), None)

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Let what has sounded until now reach the streams before something changes."""
        with self.lock:
            for stream in self.streams():
                stream.settle(self.clock())
            yield
            for stream in self.streams():
                stream.is_lost |= stream.endpoint.format() != stream.format

    def streams(self) -> list[Stream]:
        return [stream for process in self.processes for stream in process.streams]

    def advance(self, seconds: float) -> None:
        assert isinstance(self.clock, Clock)
        self.clock.advance(seconds)

    def play(self, render: Render, sound: Sound | None = None) -> None:
        with self.changed():
            render.sound = sound or tone()

    def pause(self, render: Render) -> None:
        with self.changed():
            render.sound = None

    def plug(self, endpoint: Endpoint) -> None:
        with self.changed():
            endpoint.is_present = True
            self.endpoints.append(endpoint)

    def unplug(self, endpoint: Endpoint) -> None:
        """Take a device away. Its streams stay, count as active, and give an error code for frames."""
        with self.changed():
            self.endpoints.remove(endpoint)
            endpoint.is_present = False
            self._lose(endpoint)
            if self.default_render is endpoint:
                self.default_render = next((e for e in self.endpoints if isinstance(e, Render)), None)
            if self.default_microphone is endpoint:
                self.default_microphone = next((e for e in self.endpoints if isinstance(e, Microphone)), None)

    def hold(self, endpoint: Endpoint, code: int = -9996) -> None:
        """Let another program have a device for itself."""
        with self.changed():
            endpoint.refuses = code
            self._lose(endpoint)

    def release(self, endpoint: Endpoint) -> None:
        endpoint.refuses = None

    def make_default(self, endpoint: Endpoint) -> None:
        """Change the default. Streams stay where they were, alive; what plays is another matter."""
        with self.changed():
            if isinstance(endpoint, Render):
                self.default_render = endpoint
            elif isinstance(endpoint, Microphone):
                self.default_microphone = endpoint

    def _lose(self, endpoint: Endpoint) -> None:
        for stream in self.streams():
            stream.is_lost |= stream.endpoint is endpoint
