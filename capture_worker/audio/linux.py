"""PulseAudio, and PipeWire by the same protocol: the monitor of a sink is its loopback."""

from __future__ import annotations

import numpy as np

from capture_worker.audio.libpulse import Connection, Port, RecordStream
from capture_worker.audio.source import LOOPBACK, MICROPHONE, Block, Device
from capture_worker.clock import steady_seconds
from shared.capture_errors import AudioUnavailable, DeviceLost


class Stream:
    """An open source of the sound server."""

    def __init__(self, connection: Connection, device: Device, positions: tuple[int, ...]) -> None:
        self.device = device
        self._stream = RecordStream(connection, device.key, device.rate_hz, positions)

    def read(self) -> Block | None:
        """Return the frames since the last call, None if there are none. Raises DeviceLost."""
        data = self._stream.read()
        if not data:
            return None
        frames = np.frombuffer(data, np.float32).reshape(-1, self.device.channels)
        return Block(steady_seconds(), frames)

    def close(self) -> None:
        """Close the device; never raises."""
        self._stream.close()


class System:
    """The sound server of this session. Raises AudioUnavailable."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._positions: dict[str, tuple[int, ...]] = {}  # of each device's channels, by the last `look`

    def look(self) -> list[Device] | None:
        """Return the devices that are there now. Raises AudioUnavailable."""
        server = self._connected()
        try:
            sink, source = server.defaults()
            sources = [port for port in server.sources() if not port.monitor]
            sinks = {port.monitor: port for port in server.sinks() if port.monitor}
        except DeviceLost as error:
            raise AudioUnavailable(f"The sound server has ended: {error}.") from error
        microphones = {port.name: port for port in sources}
        self._positions = {key: port.positions for key, port in (microphones | sinks).items()}
        return [
            *(_device(MICROPHONE, port, key, source) for key, port in microphones.items()),
            *(_device(LOOPBACK, port, key, sink) for key, port in sinks.items()),
        ]

    def open(self, device: Device) -> Stream:
        """Start to record. Raises DeviceLost if it cannot be opened, AudioUnavailable without a server."""
        positions = self._positions.get(device.key)
        if positions is None:
            raise DeviceLost(f"{device.name} was not there when the devices were last listed.")
        return Stream(self._connected(), device, positions)

    def renew(self) -> None:
        """Drop the connection, so that the next call connects again: the server may have been restarted."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Disconnect; never raises."""
        self.renew()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = Connection()
        return self._connection


def _device(side: str, port: Port, key: str, default: str) -> Device:
    return Device(side, port.description, key, port.rate_hz, port.channels, port.name == default)
