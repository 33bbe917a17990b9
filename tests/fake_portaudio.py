"""A fake of the C module under pyaudiowpatch, over a machine that tests can change (`windows_machine.py`).

`PortAudio` is the module `_portaudiowpatch` as one process has it; pyaudiowpatch's own Python runs over it
(`installed`). It keeps PortAudio's contract, and where a program breaks it, says so twice: by an error, and
in `faults`, which no `except` can swallow.
"""

from __future__ import annotations

import functools
import importlib
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import IO, Any

from capture_worker.audio import windows
from capture_worker.audio.device_probe import DeviceProbe
from capture_worker.audio.listing import to_json
from tests.conftest import skip_or_fail
from tests.windows_machine import LATENCY_SECONDS, Endpoint, Machine, Microphone, Render, Stream

CLOSED_SECONDS = 10.0
MODULES = ("pyaudiowpatch", "_portaudiowpatch")
MME, DIRECT_SOUND, WDMKS, WASAPI = 2, 1, 11, 13
_ERRORS = """
    NotInitialized UnanticipatedHostError InvalidChannelCount InvalidSampleRate InvalidDevice InvalidFlag
    SampleFormatNotSupported BadIODeviceCombination InsufficientMemory BufferTooBig BufferTooSmall
    NullCallback BadStreamPtr TimedOut InternalError DeviceUnavailable IncompatibleHostApiSpecificStreamInfo
    StreamIsStopped StreamIsNotStopped InputOverflowed OutputUnderflowed HostApiNotFound InvalidHostApi
    CanNotReadFromACallbackStream CanNotWriteToACallbackStream CanNotReadFromAnOutputOnlyStream
    CanNotWriteToAnInputOnlyStream IncompatibleStreamHostApi
"""
_OTHERS = """
    NoError=0 NoDevice=-1 FramesPerBufferUnspecified=0 Continue=0 Complete=1 Abort=2
    Float32=1 Int32=2 Int24=4 Int16=8 Int8=16 UInt8=32 CustomFormat=65536
    InDevelopment=0 DirectSound=1 MME=2 ASIO=3 SoundManager=4 CoreAudio=5 OSS=7 ALSA=8 AL=9 BeOS=10 WDMKS=11
    JACK=12 WASAPI=13 InputUnderflow=1 InputOverflow=2 OutputUnderflow=4 OutputOverflow=8 PrimingOutput=16
"""
ERRORS = dict(enumerate(_ERRORS.split(), -10_000))
CONSTANTS = {
    **{f"pa{name}": code for code, name in ERRORS.items()},
    **{f"pa{name}": int(value) for name, value in (other.split("=") for other in _OTHERS.split())},
}
SAMPLE_BYTES = {1: 4, 2: 4, 4: 3, 8: 2, 16: 1, 32: 1}


class ProcessWouldCrash(BaseException):
    """PortAudio reads beyond its list here, and takes the process with it."""


class WouldBlock(BaseException):
    """PortAudio waits here for frames that may never come."""


def error(code: int) -> OSError:
    return OSError(code, ERRORS[code])


Row = tuple[SimpleNamespace, Endpoint | None]


def c_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a method a function of the module: in the thread that initialised it, and while it is."""

    @functools.wraps(function)
    def checked(self: PortAudio, *arguments: Any, **keywords: Any) -> Any:
        with self.machine.lock:
            self.check_thread(function.__name__)
            if not self.initialised:
                raise error(-10000)
            return function(self, *arguments, **keywords)

    return checked


def stream_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a function of a stream, which must be open."""

    @c_function
    @functools.wraps(function)
    def checked(self: PortAudio, stream: Stream, *arguments: Any) -> Any:
        if not stream.is_open:
            raise error(-9988)
        stream.settle(self.machine.clock())
        return function(self, stream, *arguments)

    return checked


class PortAudio(ModuleType):
    """The module `_portaudiowpatch` as one process has it."""

    def __init__(self, machine: Machine) -> None:
        super().__init__("_portaudiowpatch")
        self.__spec__ = ModuleSpec("_portaudiowpatch", None)
        self.__dict__.update(CONSTANTS)
        self.machine = machine
        self.initialised = 0
        self.thread: threading.Thread | None = None
        self.streams: list[Stream] = []
        self.opened: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.rows: list[Row] = []
        self.apis: list[SimpleNamespace] = []
        machine.processes.append(self)

    def fault(self, what: str) -> str:
        self.faults.append(what)
        return what

    def check_thread(self, what: str) -> None:
        if self.initialised and threading.current_thread() is not self.thread:
            raise AssertionError(self.fault(f"{what} in a thread that did not initialise PortAudio"))

    # Initialisation: between the first `initialize` and the last `terminate` the list of devices is frozen

    def initialize(self) -> None:
        with self.machine.lock:
            self.check_thread("initialize")
            if not self.initialised:
                self.thread = threading.current_thread()
                self._list()
            self.initialised += 1

    def terminate(self) -> None:
        with self.machine.lock:
            self.check_thread("terminate")
            self._terminate()

    def _terminate(self) -> None:
        if not self.initialised:
            self.fault("terminated more often than initialised")  # PortAudio ends it for somebody else
            return
        self.initialised -= 1
        if not self.initialised and self.streams:
            self.fault("terminated with an open stream")

    def get_version(self) -> int:
        return 1_246_976

    def get_version_text(self) -> str:
        return "PortAudio V19.7.0-devel, revision unknown"

    def _list(self) -> None:
        """List the devices as they are now, MME first and WASAPI in the midst."""
        self.rows, self.apis = [], []
        present = self.machine.endpoints
        mapper = (_info("Microsoft Sound Mapper - Input", 2, 0, 44_100), None)
        self._add_api(MME, "MME", [mapper, *(_row(e, e.name[:31], 44_100) for e in present)])
        self._add_api(DIRECT_SOUND, "Windows DirectSound", [_row(e, e.name, 44_100) for e in present])
        if self.machine.has_wasapi:
            twins = [_twin(e) for e in present if isinstance(e, Render)]
            self._add_api(WASAPI, "Windows WASAPI", [*(_row(e, e.name) for e in present), *twins])
        self._add_api(WDMKS, "Windows WDM-KS", [_row(e, e.name) for e in present])

    def _add_api(self, kind: int, name: str, rows: Sequence[Row]) -> None:
        first = len(self.rows)
        for info, _ in rows:
            info.hostApi = len(self.apis)
        self.rows += rows
        machine = self.machine
        api = SimpleNamespace(structVersion=1, type=kind, name=name, deviceCount=len(rows), first=first)
        owners = [endpoint for _, endpoint in rows]
        for attribute, owner in (
            ("defaultInputDevice", machine.default_microphone),
            ("defaultOutputDevice", machine.default_render),
        ):
            setattr(api, attribute, first + owners.index(owner) if owner else -1)
        self.apis.append(api)

    # Host APIs and devices

    @c_function
    def get_host_api_count(self) -> int:
        return len(self.apis)

    @c_function
    def get_default_host_api(self) -> int:
        return 0

    @c_function
    def get_device_count(self) -> int:
        return len(self.rows)

    @c_function
    def get_default_input_device(self) -> int:
        if self.apis[0].defaultInputDevice < 0:
            raise OSError("No Default Input Device Available")
        return int(self.apis[0].defaultInputDevice)

    @c_function
    def get_default_output_device(self) -> int:
        if self.apis[0].defaultOutputDevice < 0:
            raise OSError("No Default Output Device Available")
        return int(self.apis[0].defaultOutputDevice)

    @c_function
    def host_api_type_id_to_host_api_index(self, kind: int) -> int:
        for index, api in enumerate(self.apis):
            if api.type == kind:
                return index
        raise error(-9979)

    @c_function
    def host_api_device_index_to_device_index(self, index: int, device: int) -> int:
        api = self.get_host_api_info(index)
        if not 0 <= device < api.deviceCount:
            raise error(-9996)
        return int(api.first + device)

    @c_function
    def get_host_api_info(self, index: int) -> SimpleNamespace:
        if not 0 <= index < len(self.apis):
            raise OSError(-9978, "Invalid host api info")
        return self.apis[index]

    @c_function
    def get_device_info(self, index: int) -> SimpleNamespace:
        return self._row(index)[0]

    def _row(self, index: int) -> Row:
        if not 0 <= index < len(self.rows):
            raise ProcessWouldCrash(self.fault(f"index {index} of {len(self.rows)} devices"))
        return self.rows[index]

    def get_sample_size(self, sample_format: int) -> int:
        if sample_format not in SAMPLE_BYTES:
            raise ValueError(ERRORS[-9994], -9994)
        return SAMPLE_BYTES[sample_format]

    @c_function
    def is_format_supported(
        self,
        sample_rate: float,
        *,
        input_device: int,
        input_channels: int,
        input_format: int,
    ) -> bool:
        _, endpoint = self._row(input_device)
        try:
            self._check_format(endpoint, int(sample_rate), input_channels, input_format)
        except OSError as refusal:
            raise ValueError(refusal.strerror, refusal.errno) from refusal
        return True

    # Streams

    @c_function
    def open(self, **arguments: Any) -> Stream:
        self.opened.append(arguments)
        for name in ("rate", "channels", "frames_per_buffer"):
            if not isinstance(arguments[name], int):
                raise TypeError(
                    f"'{type(arguments[name]).__name__}' object cannot be interpreted as an integer"
                )
        if arguments.get("stream_callback"):
            self.fault("opened with a callback")
        endpoint = self._endpoint(arguments["input_device_index"], input=arguments["input"])
        self._check_format(endpoint, arguments["rate"], arguments["channels"], arguments["format"])
        with self.machine.changed():
            if isinstance(endpoint, Microphone):
                endpoint.is_open = True
        assert endpoint
        stream = Stream(endpoint, arguments["frames_per_buffer"], self.machine.clock())
        self.streams.append(stream)
        return stream

    def _endpoint(self, index: int | None, *, input: bool) -> Endpoint | None:  # noqa: A002 - as in C
        if index is None:
            self.fault("opened without an index, so through MME")
            index = self.get_default_input_device()
        info, endpoint = self._row(index)
        if self.apis[info.hostApi].type != WASAPI:
            self.fault(f"opened through {self.apis[info.hostApi].name}")
        if not input or not info.maxInputChannels:
            raise error(-9998)
        return endpoint

    def _check_format(self, endpoint: Endpoint | None, rate: int, channels: int, sample_format: int) -> None:
        if endpoint is None or not endpoint.is_present:
            raise error(-9996)
        if endpoint.refuses is not None:
            raise error(endpoint.refuses)
        if channels != endpoint.format()[1]:
            raise error(-9998)
        if rate != endpoint.format()[0]:
            raise error(-9997)
        if sample_format != CONSTANTS["paFloat32"]:
            raise error(-9994)

    @c_function
    def close(self, stream: Stream) -> None:
        if not stream.is_open:
            return
        stream.is_open = stream.is_running = False
        self.streams.remove(stream)
        with self.machine.changed():
            if isinstance(stream.endpoint, Microphone):
                stream.endpoint.is_open = any(s.endpoint is stream.endpoint for s in self.machine.streams())

    @stream_function
    def start_stream(self, stream: Stream) -> None:
        if stream.endpoint.refuses_to_start or stream.is_lost:
            self.close(stream)  # so does the C module
            raise error(-9999)
        stream.is_running = True
        stream.start(self.machine.clock())

    @stream_function
    def stop_stream(self, stream: Stream) -> None:
        stream.is_running = False

    @stream_function
    def is_stream_active(self, stream: Stream) -> bool:
        return stream.is_running

    @stream_function
    def is_stream_stopped(self, stream: Stream) -> bool:
        return not stream.is_running

    @stream_function
    def get_stream_time(self, stream: Stream) -> float:
        return self.machine.clock()

    @stream_function
    def get_stream_cpu_load(self, stream: Stream) -> float:
        return 0.0

    @stream_function
    def get_stream_read_available(self, stream: Stream) -> int:
        if stream.is_lost:
            return -9999
        return len(stream.frames) if stream.is_running else -9983

    @stream_function
    def read_stream(self, stream: Stream, frames: int, exception_on_overflow: bool = False) -> bytes:
        if frames < 0:
            raise ValueError("Invalid number of frames")
        if stream.is_lost or not stream.is_running:
            self.close(stream)  # so does the C module
            raise error(-9999 if stream.is_lost else -9983)
        if frames > len(stream.frames):
            raise WouldBlock(self.fault(f"read {frames} frames of {len(stream.frames)}"))
        if exception_on_overflow and stream.has_overflowed:
            self.close(stream)
            raise error(-9981)
        stream.has_overflowed = False
        taken, stream.frames = stream.frames[:frames], stream.frames[frames:]
        return taken.tobytes()


def _info(name: str, inputs: int, outputs: int, rate_hz: int, *, loopback: bool = False) -> SimpleNamespace:
    latencies = [f"default{how}{way}Latency" for how in ("Low", "High") for way in ("Input", "Output")]
    return SimpleNamespace(
        structVersion=2,
        name=name,
        hostApi=-1,
        maxInputChannels=inputs,
        maxOutputChannels=outputs,
        defaultSampleRate=float(rate_hz),
        isLoopbackDevice=loopback,
        **dict.fromkeys(latencies, LATENCY_SECONDS),
    )


def _row(endpoint: Endpoint, name: str, rate_hz: int | None = None) -> Row:
    native_hz, channels = endpoint.format()
    inputs, outputs = (0, channels) if isinstance(endpoint, Render) else (channels, 0)
    return _info(name, inputs, outputs, rate_hz or native_hz), endpoint


def _twin(render: Render) -> Row:
    rate_hz, channels = render.format()
    return _info(f"{render.name} [Loopback]", channels, 0, rate_hz, loopback=True), render


# pyaudiowpatch over it


@functools.cache
def wheel(folder: Path) -> Path:
    """Unpack the wheel of pyaudiowpatch for Windows under a folder; skip, or fail in CI, without one."""
    wanted = ["--no-deps", "--only-binary=:all:", "--platform", "win_amd64", "--python-version", "3.12"]
    pip = [sys.executable, "-m", "pip", "download", *wanted, "pyaudiowpatch", "--dest", str(folder)]
    fetched = subprocess.run(pip, capture_output=True, text=True, timeout=120, check=False)
    found = list(folder.glob("*.whl"))
    if not found:
        skip_or_fail(f"pyaudiowpatch cannot be fetched: {fetched.stderr.strip()[-300:]}")
    with zipfile.ZipFile(found[0]) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


@contextmanager
def installed(portaudio: ModuleType | None, unpacked: Path) -> Iterator[None]:
    """Let `import pyaudiowpatch` find the wheel's own Python over this C module; None: it is missing."""
    before = {name: sys.modules.pop(name, None) for name in MODULES}
    sys.modules["_portaudiowpatch"] = portaudio  # type: ignore[assignment]
    sys.path.insert(0, str(unpacked))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(unpacked))
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@contextmanager
def faultless(machine: Machine, unpacked: Path) -> Iterator[PortAudio]:
    """Install PortAudio over a machine, and see that nobody breaks its contract or leaves anything behind.

    Devices are closed last, after a recording has ended, since a driver may hang in it.
    """
    portaudio = PortAudio(machine)
    with installed(portaudio, unpacked):
        yield portaudio
        deadline = time.monotonic() + CLOSED_SECONDS
        while any(process.initialised for process in machine.processes) and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [fault for process in machine.processes for fault in process.faults] == []
    assert [process.initialised for process in machine.processes if process.initialised] == []
    assert machine.streams() == []


class Child:
    """A process that lists the devices of the machine, for a DeviceProbe: another PortAudio, another list."""

    def __init__(self, machine: Machine, unpacked: Path, stdout: IO[bytes], seconds: float) -> None:
        self._machine = machine
        self._ends_seconds = machine.clock() + seconds
        with installed(PortAudio(machine), unpacked):
            system = windows.System()
            stdout.write(to_json(system.look() or []).encode())
            system.close()

    def poll(self) -> int | None:
        return 0 if self._machine.clock() >= self._ends_seconds else None

    def kill(self) -> None:
        self._ends_seconds = self._machine.clock()

    def wait(self, timeout: float) -> int:
        return 0


def probe(
    machine: Machine, unpacked: Path, *, seconds: float = 0.0, every_seconds: float = 0.0
) -> DeviceProbe:
    """An probe at this machine, on the machine's clock, whose children take so long."""

    def popen(command: Sequence[str], *, stdout: IO[bytes], **_: object) -> Any:
        return Child(machine, unpacked, stdout, seconds)

    return DeviceProbe(popen=popen, monotonic=machine.clock, every_seconds=every_seconds)
