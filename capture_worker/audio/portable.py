"""The microphone alone, by PortAudio (sounddevice): for systems that have no loopback of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from capture_worker.audio.device_probe import DeviceProbe
from capture_worker.audio.source import MICROPHONE, Block, Device
from capture_worker.clock import steady_seconds
from shared.capture_errors import AudioUnavailable, DeviceLost, DeviceUnknown

#: PortAudio keeps a second of audio until it is read, and delivers it in packets of 10 ms.
BUFFER_SECONDS, PACKET_SECONDS = 1.0, 0.01


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise AudioUnavailable(
            "PortAudio is missing. Try: pip install sounddevice (on Linux also: apt install libportaudio2)"
        ) from error
    return sounddevice


class Stream:
    """An open input device."""

    def __init__(self, device: Device, index: int) -> None:
        self.device = device
        self._errors = (_sounddevice().PortAudioError, OSError, ValueError)
        try:
            self._stream = _sounddevice().InputStream(
                samplerate=device.rate_hz,
                device=index,
                channels=device.channels,
                dtype="float32",
                blocksize=round(device.rate_hz * PACKET_SECONDS),
                latency=BUFFER_SECONDS,
            )
        except self._errors as error:
            raise DeviceLost(f"{device.name} cannot be opened: {error}.") from error
        try:
            self._stream.start()
        except self._errors as error:
            self.close()
            raise DeviceLost(f"{device.name} cannot be started: {error}.") from error

    def read(self) -> Block | None:
        """Return the frames since the last call, None if there are none. Raises DeviceLost."""
        try:
            moment, available = steady_seconds(), self._stream.read_available
            if not available:
                return None
            frames, _ = self._stream.read(available)
        except self._errors as error:
            raise DeviceLost(f"{self.device.name} is gone: {error}.") from error
        return Block(moment, np.ascontiguousarray(frames))

    def close(self) -> None:
        """Close the device; never raises."""
        self._stream.close(ignore_errors=True)


class System:
    """PortAudio, which lists its devices once, when it is opened. Raises AudioUnavailable."""

    def __init__(self, probe: DeviceProbe | None = None) -> None:
        self._sounddevice = _sounddevice()
        self._probe = probe or DeviceProbe()
        self._fresh = True

    def look(self) -> list[Device] | None:
        """Return the devices that are there now; None while a child process lists them."""
        if self._fresh:
            self._fresh = False
            return list(self._indices())
        self._probe.ask()
        return self._probe.answer()

    def open(self, device: Device) -> Stream:
        """Start to record. Raises DeviceLost if it cannot be opened, DeviceUnknown if it needs `renew`."""
        for found, index in self._indices().items():
            if found.key == device.key:
                return Stream(device, index)
        raise DeviceUnknown

    def renew(self) -> None:
        """Have PortAudio list its devices again; no stream may be open. Raises AudioUnavailable."""
        try:
            self._sounddevice._terminate()  # there is no public way
            self._sounddevice._initialize()
        except self._sounddevice.PortAudioError as error:
            raise AudioUnavailable(f"The audio system cannot be reached: {error}.") from error
        self._fresh = True

    def close(self) -> None:
        """Kill the child that lists devices, if one runs; PortAudio ends with the process."""
        self._probe.close()

    def _indices(self) -> dict[Device, int]:
        try:
            default, infos = self._sounddevice.default.device[0], list(self._sounddevice.query_devices())
        except self._sounddevice.PortAudioError as error:
            raise AudioUnavailable(f"The audio devices cannot be listed: {error}.") from error
        inputs = [(index, info) for index, info in enumerate(infos) if info["max_input_channels"] > 0]
        return {_device(info, index == default): index for index, info in inputs}


def _device(info: dict[str, Any], is_default: bool) -> Device:
    channels = min(info["max_input_channels"], 2)  # ALSA's virtual devices say 32
    name = info["name"]
    return Device(MICROPHONE, name, name, int(info["default_samplerate"]), channels, is_default)
