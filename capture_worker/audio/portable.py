"""The microphone alone, by PortAudio (sounddevice): for systems that have no loopback of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from capture_worker.audio.device_probe import DeviceProbe
from capture_worker.audio.source import MICROPHONE, Block, Device
from capture_worker.clock import steady_seconds
from shared.errors import AudioUnavailable, DeviceLost, DeviceUnknown

#: What may be kept before it is read; but it is to come in small packets, whatever that is.
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
        """Return all that has come since the last time, None if nothing has. Raises DeviceLost."""
        try:
            moment, available = steady_seconds(), self._stream.read_available
            if not available:
                return None
            frames, _ = self._stream.read(available)
        except self._errors as error:
            raise DeviceLost(f"{self.device.name} is gone: {error}.") from error
        return Block(moment, np.ascontiguousarray(frames))

    def close(self) -> None:
        """Let the device go; never raises."""
        self._stream.close(ignore_errors=True)


class System:
    """PortAudio, whose list of devices is that of the moment it was opened. Raises AudioUnavailable."""

    def __init__(self, onlooker: DeviceProbe | None = None) -> None:
        self._sounddevice = _sounddevice()
        self._onlooker = onlooker or DeviceProbe()
        self._fresh = True

    def look(self) -> list[Device] | None:
        """Return what is there now; None while another process looks."""
        if self._fresh:
            self._fresh = False
            return list(self._indices())
        self._onlooker.ask()
        return self._onlooker.answer()

    def open(self, device: Device) -> Stream:
        """Start to listen. Raises DeviceLost if it cannot be opened, DeviceUnknown before `renew`."""
        for found, index in self._indices().items():
            if found.key == device.key:
                return Stream(device, index)
        raise DeviceUnknown

    def renew(self) -> None:
        """Let PortAudio list its devices anew; no stream may be open. Raises AudioUnavailable."""
        try:
            self._sounddevice._terminate()  # there is no public way
            self._sounddevice._initialize()
        except self._sounddevice.PortAudioError as error:
            raise AudioUnavailable(f"The audio system cannot be reached: {error}.") from error
        self._fresh = True

    def close(self) -> None:
        """Let PortAudio be; it ends with the process."""
        self._onlooker.close()

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
