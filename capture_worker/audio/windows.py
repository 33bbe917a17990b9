"""Windows: WASAPI through pyaudiowpatch, whose loopback twins hear what a device plays.

COM belongs to a thread, so all of this belongs to the one that makes the `System`. Streams are polled: a
callback would get its audio in blocks that may span a pause, with times that lie in the future.
"""

from __future__ import annotations

import contextlib
import importlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from capture_worker.audio.device_probe import DeviceProbe
from capture_worker.audio.source import LOOPBACK, MICROPHONE, Block, Device
from capture_worker.clock import steady_seconds
from shared.errors import AudioUnavailable, DeviceLost, DeviceUnknown

INSTALL = "python -m pip install pyaudiowpatch"
LOOPBACK_SUFFIX = " [Loopback]"
_HELD = "another program may hold it for itself (exclusive mode), its format has changed, or it was unplugged"
_CHANGED = "its sample rate or channels have changed, as a headset's do when its microphone opens"
#: PortAudio says host error and invalid device for nearly all that WASAPI can refuse.
_REASONS = {-9999: _HELD, -9998: _CHANGED, -9997: _CHANGED, -9996: _HELD, -9985: _HELD}


class Stream:
    """A WASAPI device that is being recorded."""

    def __init__(
        self,
        device: Device,
        stream: Any,
        clock: Callable[[], float],
        closed: Callable[[Stream], None],
    ) -> None:
        self.device = device
        self.is_lost = False
        self._stream = stream
        self._clock = clock
        self._closed = closed

    def read(self) -> Block | None:
        """Return all that has come since the last time, None if nothing has. Raises DeviceLost.

        A loopback has nothing while nothing plays. Never asks for more than is there: that would wait.
        """
        try:
            available = self._stream.get_read_available()
            moment = self._clock()
            if available == 0:
                return None
            if available < 0:  # the one sign that a device is gone: its stream still counts as active
                raise OSError(available, "no more audio")
            audio = self._stream.read(available, exception_on_overflow=False)
        except OSError as error:
            self.is_lost = True
            raise DeviceLost(_message(self.device, "gives no more audio", error)) from error
        frames = np.frombuffer(audio, np.float32).reshape(-1, self.device.channels)
        return Block(moment, np.clip(frames, -1.0, 1.0))  # a mix of many programs may go beyond full scale

    def close(self) -> None:
        """Let the device go; never raises."""
        with contextlib.suppress(OSError):
            self._stream.close()
        self._closed(self)


class System:
    """The WASAPI devices of this machine. Raises AudioUnavailable."""

    def __init__(
        self,
        onlooker: DeviceProbe | None = None,
        clock: Callable[[], float] = steady_seconds,
    ) -> None:
        self._onlooker = onlooker or DeviceProbe()
        self._clock = clock
        self._pyaudio = _pyaudiowpatch()
        self._audio: Any = None
        self._streams: list[Stream] = []
        self._list_is_new = False
        self._begin()

    def look(self) -> list[Device] | None:
        """Return what is there now; None while that is not known. Raises AudioUnavailable.

        PortAudio's own list stays as it was at the beginning, so from the second time on an onlooker looks.
        """
        if self._list_is_new:
            self._list_is_new = False
            return list(self._devices.values())
        self._onlooker.ask()
        devices = self._onlooker.answer()
        self._back |= self._lost & {device.key for device in devices or ()}
        return devices

    def open(self, device: Device) -> Stream:
        """Start to listen. Raises DeviceLost if it cannot be opened, DeviceUnknown before `renew`.

        Takes the rate and channels of `device`, which an onlooker may have seen later than the list here.
        """
        index = self._index(device)
        try:
            opened = self._audio.open(
                rate=device.rate_hz,
                channels=device.channels,  # mono of a stereo device would be its left side only
                format=self._pyaudio.paFloat32,
                input=True,
                input_device_index=index,  # without one, PortAudio takes MME
                frames_per_buffer=device.rate_hz,  # the buffer holds twice that: 2 s of slack
            )
        except OSError as error:
            message = _message(device, "cannot be opened", error)
            raise (DeviceUnknown if device.key in self._back else DeviceLost)(message) from error
        self._lost.discard(device.key)
        self._back.discard(device.key)
        self._streams.append(Stream(device, opened, self._clock, self._closed))
        return self._streams[-1]

    def renew(self) -> None:
        """Begin anew, so that devices can be opened that were not there before; no stream may be open."""
        assert not self._streams, "PortAudio makes a new list only when every stream is closed"
        self._end()
        self._onlooker.close()  # what it is about to say may be older than the new list
        self._begin()

    def close(self) -> None:
        """Let the audio system go, with all its streams; never raises."""
        self._end()
        self._onlooker.close()

    def _begin(self) -> None:
        self._devices: Mapping[int, Device] = {}
        self._lost: set[str] = set()
        #: What was lost and is there again: its place in the list may lead to the device that has gone.
        self._back: set[str] = set()
        self._list_is_new = True
        try:
            self._audio = self._pyaudio.PyAudio()
            self._devices = _devices(self._audio, self._pyaudio.paWASAPI)
        except OSError as error:
            self._end()
            raise AudioUnavailable(
                f"Windows' audio system (WASAPI) cannot be reached: {error.strerror or error}. "
                "See whether the service Windows Audio is running."
            ) from error

    def _end(self) -> None:
        if self._audio is not None:
            with contextlib.suppress(OSError):
                self._audio.terminate()  # closes the streams that are open
        self._audio, self._devices = None, {}

    def _index(self, device: Device) -> int:
        """Return the place of a device in this list. PortAudio brings the process down at one beyond it."""
        for index, known in self._devices.items():
            if known.key == device.key and index < self._audio.get_device_count():
                return index
        raise DeviceUnknown(f"{device.name} was plugged in after the audio system was opened.")

    def _closed(self, stream: Stream) -> None:
        if stream in self._streams:
            self._streams.remove(stream)
            if stream.is_lost:
                self._lost.add(stream.device.key)
                self._onlooker.hurry()


def _pyaudiowpatch() -> Any:
    """Import pyaudiowpatch. Raises AudioUnavailable.

    Its C module comes first: without it, pyaudiowpatch prints to stdout, among our JSON lines.
    """
    try:
        importlib.import_module("_portaudiowpatch")
        return importlib.import_module("pyaudiowpatch")
    except ImportError as error:
        raise AudioUnavailable(f"pyaudiowpatch cannot be loaded ({error}). Install it: {INSTALL}") from error


def _devices(audio: Any, wasapi: int) -> dict[int, Device]:
    """Return what can be listened to through WASAPI, by its index in the list of this PyAudio."""
    api = audio.get_host_api_info_by_type(wasapi)
    infos = list(audio.get_device_info_generator_by_host_api(host_api_type=wasapi))
    keys = _keys(infos)
    defaults = {keys.get(api["defaultInputDevice"]), keys.get(api["defaultOutputDevice"])}
    return {
        info["index"]: Device(
            side=side,
            name=_name(info),
            key=keys[info["index"]],
            rate_hz=round(info["defaultSampleRate"]),
            channels=info["maxInputChannels"],
            is_default=keys[info["index"]] in defaults,
        )
        for info in infos
        if (side := _side(info))
    }


def _keys(infos: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Return a key for each index, which changes from list to list: its name, counted where there are more.

    What plays has the key of its loopback twin, for twins stand in the order of their originals.
    """
    seen: Counter[tuple[str | None, str]] = Counter()
    keys = {}
    for info in infos:
        side, name = _side(info), _name(info)
        seen[side, name] += 1
        number = seen[side, name]
        keys[info["index"]] = f"{side or LOOPBACK}:{name}" + (f"#{number}" if number > 1 else "")
    return keys


def _side(info: Mapping[str, Any]) -> str | None:
    """Return the side that a device hears, None if it only plays."""
    if info["isLoopbackDevice"]:
        return LOOPBACK
    return MICROPHONE if info["maxInputChannels"] else None


def _name(info: Mapping[str, Any]) -> str:
    name: str = info["name"]
    return name.removesuffix(LOOPBACK_SUFFIX) if info["isLoopbackDevice"] else name


def _message(device: Device, what: str, error: OSError) -> str:
    code, text = error.errno, error.strerror or str(error)
    reason = _REASONS.get(code or 0, "the device or its driver has failed")
    return f"{device.name} {what}: {reason} (PortAudio {code}: {text})."
