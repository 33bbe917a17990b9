"""The part of libpulse that recording needs, by ctypes: a connection, its devices, streams that are polled.

A stream with PA_STREAM_DONT_MOVE fails within milliseconds when its source is removed; without that flag
the server silently moves it to another source. The main loop runs only in the thread that calls `turn`.
"""

from __future__ import annotations

import ctypes
import functools
import time
from collections.abc import Callable
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_int,
    c_size_t,
    c_uint8,
    c_uint32,
    c_void_p,
)
from dataclasses import dataclass
from typing import Any

from shared.capture_errors import AudioUnavailable, DeviceLost

FLOAT32_LE = 5
DONT_MOVE, ADJUST_LATENCY = 0x0200, 0x2000
NO_AUTOSPAWN = 0x0001
CONTEXT_READY, CONTEXT_FAILED = 4, 5
STREAM_READY, STREAM_FAILED = 2, 3
OPERATION_DONE, OPERATION_CANCELLED = 1, 2
CONNECT_SECONDS = 3.0
FRAGMENT_SECONDS = 0.02
_UNSET = 0xFFFFFFFF


class _SampleSpec(Structure):
    _fields_ = (("format", c_int), ("rate", c_uint32), ("channels", c_uint8))


class _ChannelMap(Structure):
    _fields_ = (("channels", c_uint8), ("map", c_int * 32))


class _Volume(Structure):
    _fields_ = (("channels", c_uint8), ("values", c_uint32 * 32))


class _PortInfo(Structure):
    """The common beginning of pa_sink_info and pa_source_info.

    `monitor` is the monitor source of a sink, or the sink that a source monitors.
    """

    _fields_ = (
        ("name", c_char_p),
        ("index", c_uint32),
        ("description", c_char_p),
        ("sample_spec", _SampleSpec),
        ("channel_map", _ChannelMap),
        ("owner_module", c_uint32),
        ("volume", _Volume),
        ("mute", c_int),
        ("monitor", c_uint32),
        ("monitor_name", c_char_p),
    )


class _ServerInfo(Structure):
    _fields_ = (
        *((name, c_char_p) for name in ("user_name", "host_name", "server_version", "server_name")),
        ("sample_spec", _SampleSpec),
        ("default_sink_name", c_char_p),
        ("default_source_name", c_char_p),
    )


_PortCallback = CFUNCTYPE(None, c_void_p, POINTER(_PortInfo), c_int, c_void_p)
_ServerCallback = CFUNCTYPE(None, c_void_p, POINTER(_ServerInfo), c_void_p)


@dataclass(frozen=True)
class Port:
    """A sink or a source; `monitor` names a sink's monitor source, or the sink that a source monitors.

    `positions` has the loudspeaker of each channel, in libpulse's numbers.
    """

    name: str
    description: str
    rate_hz: int
    positions: tuple[int, ...]
    monitor: str | None

    @property
    def channels(self) -> int:
        return len(self.positions)


class _BufferAttr(Structure):
    _fields_ = tuple((name, c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize"))


#: Function -> type of its result, types of its arguments.
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "pa_mainloop_new": (c_void_p, ()),
    "pa_mainloop_get_api": (c_void_p, (c_void_p,)),
    "pa_mainloop_iterate": (c_int, (c_void_p, c_int, c_void_p)),
    "pa_mainloop_free": (None, (c_void_p,)),
    "pa_context_new": (c_void_p, (c_void_p, c_char_p)),
    "pa_context_connect": (c_int, (c_void_p, c_char_p, c_int, c_void_p)),
    "pa_context_get_state": (c_int, (c_void_p,)),
    "pa_context_errno": (c_int, (c_void_p,)),
    "pa_context_disconnect": (None, (c_void_p,)),
    "pa_context_unref": (None, (c_void_p,)),
    "pa_stream_new": (c_void_p, (c_void_p, c_char_p, POINTER(_SampleSpec), POINTER(_ChannelMap))),
    "pa_stream_connect_record": (c_int, (c_void_p, c_char_p, POINTER(_BufferAttr), c_int)),
    "pa_stream_get_state": (c_int, (c_void_p,)),
    "pa_stream_peek": (c_int, (c_void_p, POINTER(c_void_p), POINTER(c_size_t))),
    "pa_stream_drop": (c_int, (c_void_p,)),
    "pa_stream_disconnect": (c_int, (c_void_p,)),
    "pa_stream_unref": (None, (c_void_p,)),
    "pa_strerror": (c_char_p, (c_int,)),
    "pa_context_get_sink_info_list": (c_void_p, (c_void_p, _PortCallback, c_void_p)),
    "pa_context_get_source_info_list": (c_void_p, (c_void_p, _PortCallback, c_void_p)),
    "pa_context_get_server_info": (c_void_p, (c_void_p, _ServerCallback, c_void_p)),
    "pa_operation_get_state": (c_int, (c_void_p,)),
    "pa_operation_unref": (None, (c_void_p,)),
}


@functools.cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libpulse.so.0")
    except OSError as error:
        raise AudioUnavailable(
            "The library libpulse.so.0 is missing. On Debian and Ubuntu: sudo apt install libpulse0"
        ) from error
    for name, (returns, takes) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = returns, takes
    return library


class Connection:
    """A connection to the sound server, PulseAudio's or PipeWire's. Raises AudioUnavailable."""

    def __init__(self) -> None:
        self._pa = _library()
        self._loop = self._pa.pa_mainloop_new()
        self.context = self._pa.pa_context_new(self._pa.pa_mainloop_get_api(self._loop), b"offhook")
        self._pa.pa_context_connect(self.context, None, NO_AUTOSPAWN, None)
        try:
            self.wait(self._state, CONTEXT_READY, CONTEXT_FAILED)
        except DeviceLost as error:
            self.close()
            raise AudioUnavailable(
                f"No sound server answers ({error}). Start PulseAudio, or PipeWire with pipewire-pulse."
            ) from error

    def turn(self) -> None:
        """Process all that the server has sent; never waits."""
        while self._pa.pa_mainloop_iterate(self._loop, 0, None) > 0:
            pass

    def wait(self, state: Callable[[], int], ready: int, failed: int) -> None:
        """Run the main loop until a state is reached, for 3 s at most. Raises DeviceLost."""
        deadline = time.monotonic() + CONNECT_SECONDS
        while (now := state()) != ready:
            if now >= failed:
                raise DeviceLost(self.why())
            if time.monotonic() > deadline:
                raise DeviceLost(f"no answer in {CONNECT_SECONDS:g} s")
            self.turn()
            time.sleep(0.001)

    def sinks(self) -> list[Port]:
        """List the outputs. Raises DeviceLost."""
        return self._ports(self._pa.pa_context_get_sink_info_list)

    def sources(self) -> list[Port]:
        """List the inputs, monitors of outputs among them. Raises DeviceLost."""
        return self._ports(self._pa.pa_context_get_source_info_list)

    def defaults(self) -> tuple[str, str]:
        """Name the default sink and the default source. Raises DeviceLost."""
        found = ("", "")

        def take(_: object, info: Any, __: object) -> None:
            nonlocal found
            found = (_text(info[0].default_sink_name), _text(info[0].default_source_name))

        callback = _ServerCallback(take)
        self._ask(lambda: self._pa.pa_context_get_server_info(self.context, callback, None))
        return found

    def _ports(self, ask: Callable[..., Any]) -> list[Port]:
        found: list[Port] = []

        def take(_: object, info: Any, is_end: int, __: object) -> None:
            if not is_end:
                found.append(_port(info[0]))  # libpulse frees it after this call

        callback = _PortCallback(take)
        self._ask(lambda: ask(self.context, callback, None))
        return found

    def _ask(self, begin: Callable[[], Any]) -> None:
        """Wait for the answer to a request."""
        operation = begin()
        if not operation:
            raise DeviceLost(self.why())
        try:
            self.wait(
                lambda: int(self._pa.pa_operation_get_state(operation)), OPERATION_DONE, OPERATION_CANCELLED
            )
        finally:
            self._pa.pa_operation_unref(operation)

    def why(self) -> str:
        """Describe the last error."""
        text: bytes = self._pa.pa_strerror(self._pa.pa_context_errno(self.context))
        return text.decode(errors="replace")

    def close(self) -> None:
        """Disconnect and free everything."""
        if self._loop:
            self._pa.pa_context_disconnect(self.context)
            self._pa.pa_context_unref(self.context)
            self._pa.pa_mainloop_free(self._loop)
            self._loop = None

    def _state(self) -> int:
        return int(self._pa.pa_context_get_state(self.context))


class RecordStream:
    """A stream of interleaved float32 from one source. Raises DeviceLost if it cannot be opened.

    `positions` are the source's own, so that no channel is mixed into another. libpulse has no default
    positions for more than six channels.
    """

    def __init__(self, connection: Connection, source: str, rate_hz: int, positions: tuple[int, ...]) -> None:
        self._pa = _library()
        self._connection = connection
        channels = len(positions)
        spec = _SampleSpec(FLOAT32_LE, rate_hz, channels)
        channel_map = _ChannelMap(channels, positions)
        fragment_bytes = round(rate_hz * FRAGMENT_SECONDS) * 4 * channels
        wishes = _BufferAttr(_UNSET, _UNSET, _UNSET, _UNSET, fragment_bytes)
        self._stream = self._pa.pa_stream_new(connection.context, b"offhook", byref(spec), byref(channel_map))
        if not self._stream:
            raise DeviceLost(f"{source} cannot be opened: {connection.why()}.")
        try:
            self._pa.pa_stream_connect_record(
                self._stream, source.encode(), byref(wishes), DONT_MOVE | ADJUST_LATENCY
            )
            connection.wait(self._state, STREAM_READY, STREAM_FAILED)
        except DeviceLost as error:
            self.close()
            raise DeviceLost(f"{source} cannot be opened: {error}.") from error

    def read(self) -> bytes:
        """Return the bytes since the last call; audio that the server lost is zeros. Raises DeviceLost."""
        self._connection.turn()
        if self._state() >= STREAM_FAILED:
            raise DeviceLost(self._connection.why())
        pieces = []
        data, size = c_void_p(), c_size_t()
        while self._pa.pa_stream_peek(self._stream, byref(data), byref(size)) == 0 and size.value:
            pieces.append(ctypes.string_at(data, size.value) if data.value else bytes(size.value))
            self._pa.pa_stream_drop(self._stream)
        return b"".join(pieces)

    def close(self) -> None:
        """Close the stream."""
        if self._stream:
            self._pa.pa_stream_disconnect(self._stream)
            self._pa.pa_stream_unref(self._stream)
            self._stream = None

    def _state(self) -> int:
        return int(self._pa.pa_stream_get_state(self._stream))


def _port(info: _PortInfo) -> Port:
    spec = info.sample_spec
    monitor = _text(info.monitor_name) if info.monitor_name else None
    positions = tuple(info.channel_map.map[: spec.channels])
    return Port(_text(info.name), _text(info.description), spec.rate, positions, monitor)


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode(errors="replace")
