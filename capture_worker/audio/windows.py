"""Windows: WASAPI by pyaudiowpatch, whose loopback twins record what a device plays.

COM belongs to a thread, so the thread that creates the `System` makes all calls. Streams are polled: a
callback would get blocks that may span a pause, with times that lie in the future.
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
from shared.capture_errors import AudioUnavailable, DeviceLost, DeviceUnknown

INSTALL = "python -m pip install pyaudiowpatch"
LOOPBACK_SUFFIX = " [Loopback]"
_TAKEN = "another program may use it exclusively, its format has changed, or it was unplugged"
_CHANGED = "its sample rate or channels have changed, as a headset's do when its microphone opens"
#: PortAudio reports nearly every refusal of WASAPI as a host error or an invalid device.
_REASONS = {-9999: _TAKEN, -9998: _CHANGED, -9997: _CHANGED, -9996: _TAKEN, -9985: _TAKEN}


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
        """Return the frames since the last call, None if there are none. Raises DeviceLost.

        A loopback has no data while nothing plays. Never reads more than is available: that would wait.
        """
        try:
            available = self._stream.get_read_available()
            moment = self._clock()
            if available == 0:
                return None
            if available < 0:  # the only sign that a device was removed: its stream still counts as active
                raise OSError(available, "no more audio")
            audio = self._stream.read(available, exception_on_overflow=False)
        except OSError as error:
            self.is_lost = True
            raise DeviceLost(_message(self.device, "gives no more audio", error)) from error
        frames = np.frombuffer(audio, np.float32).reshape(-1, self.device.channels)
        return Block(moment, np.clip(frames, -1.0, 1.0))  # a mix of several programs may exceed full scale

    def close(self) -> None:
        """Close the device; never raises."""
        with contextlib.suppress(OSError):
            self._stream.close()
        self._closed(self)


class System:
    """The WASAPI devices of this machine. Raises AudioUnavailable."""

    def __init__(
        self,
        probe: DeviceProbe | None = None,
        clock: Callable[[], float] = steady_seconds,
    ) -> None:
        self._probe = probe or DeviceProbe()
        self._clock = clock
        self._pyaudio = _pyaudiowpatch()
        self._audio: Any = None
        self._streams: list[Stream] = []
        self._list_is_new = False
        self._begin()

    def look(self) -> list[Device] | None:
        """Return the devices that are there now; None while that is not known. Raises AudioUnavailable.

        PortAudio lists its devices once, when it is opened; from the second call on a DeviceProbe lists them.
        """
        if self._list_is_new:
            self._list_is_new = False
            return list(self._devices.values())
        self._probe.ask()
        devices = self._probe.answer()
        self._back |= self._lost & {device.key for device in devices or ()}
        return devices

    def open(self, device: Device) -> Stream:
        """Start to record. Raises DeviceLost if it cannot be opened, DeviceUnknown if it needs `renew`.

        Uses the rate and channels of `device`: a probe may have seen it later than this list.
        """
        index = self._index(device)
        try:
            opened = self._audio.open(
                rate=device.rate_hz,
                channels=device.channels,  # mono of a stereo device would be its left side only
                format=self._pyaudio.paFloat32,
                input=True,
                input_device_index=index,  # without one, PortAudio takes MME
                frames_per_buffer=device.rate_hz,  # the buffer has twice as many: 2 s of slack
            )
        except OSError as error:
            message = _message(device, "cannot be opened", error)
            raise (DeviceUnknown if device.key in self._back else DeviceLost)(message) from error
        self._lost.discard(device.key)
        self._back.discard(device.key)
        self._streams.append(Stream(device, opened, self._clock, self._closed))
        return self._streams[-1]

    def renew(self) -> None:
        """Open PortAudio again, so that new devices can be opened; no stream may be open."""
        assert not self._streams, "PortAudio makes a new list only when every stream is closed"
        self._end()
        self._probe.close()  # its answer may be older than the new list
        self._begin()

    def close(self) -> None:
        """Close the audio system and all its streams; never raises."""
        self._end()
        self._probe.close()

    def _begin(self) -> None:
        self._devices: Mapping[int, Device] = {}
        self._lost: set[str] = set()
        #: Devices that were lost and are back: their index may still lead to the lost device.
        self._back: set[str] = set()
        self._list_is_new = True
        try:
            self._audio = self._pyaudio.PyAudio()
            self._devices = _devices(self._audio, self._pyaudio.paWASAPI)
        except OSError as error:
            self._end()
            raise AudioUnavailable(
                f"Windows' audio system (WASAPI) cannot be reached: {error.strerror or error}. "
                "Check that the service Windows Audio is running."
            ) from error

    def _end(self) -> None:
        if self._audio is not None:
            with contextlib.suppress(OSError):
                self._audio.terminate()  # closes the streams that are open
        self._audio, self._devices = None, {}

    def _index(self, device: Device) -> int:
        """Return the index of a device in this list. PortAudio crashes at an index beyond its list."""
        for index, known in self._devices.items():
            if known.key == device.key and index < self._audio.get_device_count():
                return index
        raise DeviceUnknown(f"{device.name} was plugged in after the audio system was opened.")

    def _closed(self, stream: Stream) -> None:
        if stream in self._streams:
            self._streams.remove(stream)
            if stream.is_lost:
                self._lost.add(stream.device.key)
                self._probe.hurry()


def _pyaudiowpatch() -> Any:
    """Import pyaudiowpatch. Raises AudioUnavailable.

    Its C module is imported first: without it, pyaudiowpatch prints to stdout, into the JSON lines.
    """
    try:
        importlib.import_module("_portaudiowpatch")
        return importlib.import_module("pyaudiowpatch")
    except ImportError as error:
        raise AudioUnavailable(f"pyaudiowpatch cannot be loaded ({error}). Install it: {INSTALL}") from error


def _devices(audio: Any, wasapi: int) -> dict[int, Device]:
    """Return the devices that WASAPI can record, by their index in the list of this PyAudio."""
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
    """Return a key for each index: the name, with a number if several devices have it. Indices change.

    An output has the key of its loopback twin: twins are listed in the order of their originals.
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
    """Return the side that a device records, None if it only plays."""
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
