"""PulseAudio, and PipeWire, which speaks its protocol: the monitor of a sink is its loopback."""

from __future__ import annotations

import numpy as np

from capture_worker.audio.libpulse import Connection, Port, RecordStream
from capture_worker.audio.source import LOOPBACK, MICROPHONE, Block, Device
from capture_worker.clock import steady_seconds
from shared.errors import AudioUnavailable, DeviceLost


class Stream:
    """An open source of the sound server."""

    def __init__(self, connection: Connection, device: Device, positions: tuple[int, ...]) -> None:
        self.device = device
        self._stream = RecordStream(connection, device.key, device.rate_hz, positions)

    def read(self) -> Block | None:
        """Return all that has come since the last time, None if nothing has. Raises DeviceLost."""
        data = self._stream.read()
        if not data:
            return None
        frames = np.frombuffer(data, np.float32).reshape(-1, self.device.channels)
        return Block(steady_seconds(), frames)

    def close(self) -> None:
        """Let the device go; never raises."""
        self._stream.close()


class System:
    """The sound server of this session. Raises AudioUnavailable."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._positions: dict[str, tuple[int, ...]] = {}  # of each device's channels, at the last look

    def look(self) -> list[Device] | None:
        """Return what is there now. Raises AudioUnavailable."""
        server = self._connected()
        try:
            sink, source = server.defaults()
            sources = [port for port in server.sources() if not port.monitor]
            sinks = {port.monitor: port for port in server.sinks() if port.monitor}
        except DeviceLost as error:
            raise AudioUnavailable(f"The sound server has gone: {error}.") from error
        microphones = {port.name: port for port in sources}
        self._positions = {key: port.positions for key, port in (microphones | sinks).items()}
        return [
            *(_device(MICROPHONE, port, key, source) for key, port in microphones.items()),
            *(_device(LOOPBACK, port, key, sink) for key, port in sinks.items()),
        ]

    def open(self, device: Device) -> Stream:
        """Start to listen. Raises DeviceLost if it cannot be opened, AudioUnavailable without a server."""
        positions = self._positions.get(device.key)
        if positions is None:
            raise DeviceLost(f"{device.name} was not there at the last look.")
        return Stream(self._connected(), device, positions)

    def renew(self) -> None:
        """Forget the connection, as is needed when the server has been started again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Let the sound server go; never raises."""
        self.renew()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = Connection()
        return self._connection


def _device(side: str, port: Port, key: str, default: str) -> Device:
    return Device(side, port.description, key, port.rate_hz, port.channels, port.name == default)
