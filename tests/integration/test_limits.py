"""What one recording may cost: real files over small limits, real processes without memory or progress."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from archive.library import Library
from shared.errors import BadRecording, EngineCrashed, EngineUnusable, OutOfMemory, TooLarge, TooLong, TooSlow
from shared.settings import RecordOptions, Settings
from shared.store.store import Store
from tests.conftest import skip_or_fail
from tests.tables import Record
from tests.voices import SAMPLE_RATE_HZ, Call, write_wav
from transcribe_worker import memory
from transcribe_worker.engine import supervisor as engines
from transcribe_worker.engine.child import EngineProcess
from transcribe_worker.engine.messages import EVENTS, Advanced, Decoded, Job, Load
from transcribe_worker.engine.setup import Wishes
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.jobs.archiver import archive
from transcribe_worker.jobs.transcriber import Transcriber
from transcribe_worker.media.limits import RecordingLimits
from transcribe_worker.media.recording import open_recording
from transcribe_worker.model_files import bundled_folder

ROOT = Path(__file__).parents[2]
OPTIONS = RecordOptions()
posix_only = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals and limits")
limits_memory = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits an address space")


def wav(path: Path, seconds: float, *, rate: int = 16_000, channels: int = 1) -> Path:
    """A WAV of silence; no byte of it is on the disk."""
    size = round(seconds * rate) * channels * 2
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16) + form
    path.write_bytes(head + struct.pack("<4sI", b"data", size))
    os.truncate(path, len(head) + 8 + size)
    return path


def flac(path: Path, seconds: int) -> Path:
    """A FLAC of silence, whose own header gives no length (as that of a recorder that was killed)."""
    with av.open(str(path), "w", format="flac") as output:
        stream = output.add_stream("flac", rate=16_000, layout="mono")
        for _ in range(seconds):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), format="s16", layout="mono")
            frame.sample_rate = 16_000
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the lower 36 bits there: all samples
    content[22:26] = bytes(4)
    path.write_bytes(content)
    return path


def heard(path: Path, limits: RecordingLimits) -> int:
    with open_recording(path, limits) as recording:
        return sum(map(len, recording.blocks()))


@pytest.fixture(scope="module")
def choice() -> Load:
    folder = bundled_folder()
    if folder is None:
        skip_or_fail("the model tiny.en is not installed")
    return Load("tiny.en", folder, Wishes("cpu", "int8"))


@pytest.fixture
def engine() -> Iterator[Engine]:
    with closing(Engine()) as engine:
        yield engine


MODEL_THAT_DOES_FIRST = """
import time
import transcribe_worker.recognizer.process as recognizer
first = dict({first})
class Model:
    def __init__(self, model): self.model = model
    def __getattr__(self, name):
        found = getattr(self.model, name)
        def both(*args, **options):
            first[name]()
            return found(*args, **options)
        return both if name in first else found
def load(*args, **options):
    model = recognizer.WhisperModel(*args, **options)
    model.model = Model(model.model)
    return model
recognizer.main(load=load)
"""


def engine_that_does_first(silence_seconds: float = engines.SILENCE_SECONDS, **first: str) -> Engine:
    """An engine whose model does something else before the steps named."""
    steps = ", ".join(f"{step}=lambda: {what}" for step, what in first.items())
    command = [sys.executable, "-c", MODEL_THAT_DOES_FIRST.format(first=steps)]
    return Engine(command, silence_seconds=silence_seconds)


def slow_engine(silence_seconds: float, **seconds: float) -> Engine:
    """An engine whose model takes so much longer for each step."""
    slow = {step: f"time.sleep({more})" for step, more in seconds.items()}
    return engine_that_does_first(silence_seconds, **slow)


def hungry_engine() -> Engine:
    """An engine that asks for 2 GB at once to encode: in Python, for native code may die of a refusal."""
    return engine_that_does_first(encode="bytearray(2 * 10**9)")


@pytest.fixture
def sentence(short_call: Call, tmp_path: Path) -> Path:
    """The first sentence of a call: one window, quickly encoded and written."""
    write_wav(path := tmp_path / "sentence.wav", short_call.samples[: 5 * SAMPLE_RATE_HZ])
    return path


@pytest.fixture
def sentence_and_call(short_call: Call, long_call: Call, tmp_path: Path) -> Path:
    """A sentence, a pause beyond the end of the first stretch, and a minute of a call: seconds of work."""
    first = np.zeros(42 * SAMPLE_RATE_HZ, np.float32)
    first[: 5 * SAMPLE_RATE_HZ] = short_call.samples[: 5 * SAMPLE_RATE_HZ]
    call = long_call.samples[: 60 * SAMPLE_RATE_HZ]
    write_wav(path := tmp_path / "sentence and call.wav", np.concatenate([first, call]))
    return path


def nothing() -> None:
    """A heartbeat that lets the work go on."""


# Size, length, pace


def test_a_file_that_is_too_large_is_refused_before_anything_of_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.wav"
    path.touch()
    os.truncate(path, 20 * 10**9)
    with pytest.raises(TooLarge, match=r"huge\.wav has 20 GB, and largest_file_gb allows 16\. Raise larg"):
        open_recording(path)


def test_a_wav_that_is_too_long_is_refused_at_once(tmp_path: Path) -> None:
    path = wav(tmp_path / "long.wav", 25 * 3_600, rate=8_000)
    with pytest.raises(TooLong, match=r"long\.wav is 25 hours long .* Raise longest_hours"):
        open_recording(path)
    with open_recording(path, RecordingLimits(longest_hours=25)) as recording:
        assert recording.duration_seconds == 25 * 3_600


def test_a_length_that_no_header_told_is_noticed_while_decoding(tmp_path: Path) -> None:
    path = flac(tmp_path / "call.flac", 40)
    limits = RecordingLimits(longest_hours=30 / 3_600)
    with open_recording(path, limits) as recording:
        blocks = recording.blocks()
        frames = sum(len(next(blocks)) for _ in range(50))
        assert frames < 30 * 16_000
        with pytest.raises(TooLong):
            list(blocks)
    assert heard(path, RecordingLimits(longest_hours=40 / 3_600)) == 40 * 16_000


def test_a_header_that_claims_far_too_much_does_not_cost_a_short_recording(tmp_path: Path) -> None:
    path = flac(tmp_path / "call.flac", 3)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # 1,193 hours
    path.write_bytes(content)
    assert heard(path, RecordingLimits()) == 3 * 16_000


def test_a_recording_that_takes_too_long_to_decode_is_given_up(tmp_path: Path) -> None:
    path = wav(tmp_path / "call.wav", 20, rate=192_000, channels=16)
    limits = RecordingLimits(slowest_decoding=0.001, grace_seconds=0.01)
    with pytest.raises(TooSlow, match=r"call\.wav took .* Raise slowest_decoding"):
        heard(path, limits)
    assert heard(path, replace(limits, grace_seconds=30)) == 20 * 16_000


def test_the_engine_is_told_the_limits(engine: Engine, choice: Load, tmp_path: Path) -> None:
    engine.load(choice)
    pid = engine.pid
    for limits, code in (
        (RecordingLimits(largest_file_gb=0.001), "largest_file_gb"),
        (RecordingLimits(longest_hours=0.01), "longest_hours"),
        (RecordingLimits(slowest_decoding=0.00001, grace_seconds=0), "slowest_decoding"),
    ):
        job = Job(wav(tmp_path / "call.wav", 60), OPTIONS, limits=limits)
        with pytest.raises(BadRecording, match=f"Raise {code}") as refused:
            list(engine.transcribe(job, nothing))
        assert refused.value.code == code
    assert engine.pid == pid


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("largest_file_gb", 0.0002),
        ("longest_hours", 0.001),
        pytest.param("engine_memory_gb", 1.0, marks=limits_memory),
    ],
)
def test_a_recording_over_a_limit_fails_at_once_and_says_which_setting_to_raise(
    settings: Settings,
    store: Store,
    short_wav: Path,
    name: str,
    value: float,
) -> None:
    limit: dict[str, Any] = {name: value}
    settings = replace(settings, device="cpu", compute_type="int8", **limit)
    record = store.records.add(source="added", title="call", recording_path=str(short_wav))
    library = Library(settings, store)
    with closing(hungry_engine()) as engine:
        Transcriber(
            settings=settings,
            store=store,
            library=library,
            worker_id="worker-1",
            engine=engine,
            stopping=threading.Event(),
            report=lambda _: None,
            archive=partial(archive, library),
        ).transcribe(record.id)
    failed = Record.get_by_id(record.id)
    assert (failed.transcription_status, failed.error_code) == ("failed", name)
    assert (failed.attempts, failed.crashes) == (1, 0)
    assert name in failed.transcription_error


# Memory


@limits_memory
def test_a_recording_that_needs_too_much_memory_is_told_at_once_and_the_next_goes_on(
    choice: Load, short_wav: Path
) -> None:
    with closing(hungry_engine()) as engine:
        engine.load(replace(choice, memory_gb=1))
        pid = engine.pid
        with pytest.raises(BadRecording, match="Raise it, or take a smaller model") as refused:
            list(engine.transcribe(Job(short_wav, OPTIONS), nothing))
        assert refused.value.code == OutOfMemory.code
        assert engine.pid is None  # what was left of its memory
        engine.load(replace(choice, memory_gb=4))
        assert list(engine.transcribe(Job(short_wav, OPTIONS), nothing))
        assert engine.pid != pid


@limits_memory
def test_a_model_that_does_not_fit_is_no_fault_of_a_recording(engine: Engine, choice: Load) -> None:
    with pytest.raises(EngineUnusable, match=r"engine_memory_gb = 0\.05 is too little"):
        engine.load(replace(choice, memory_gb=0.05))


@limits_memory
@pytest.mark.parametrize("gigabytes", [0.0, Settings().engine_memory_gb])
def test_the_limit_of_an_engine_is_what_its_setting_says_above_what_it_had(
    engine: Engine, choice: Load, gigabytes: float
) -> None:
    engine.load(replace(choice, memory_gb=gigabytes))
    limits = Path(f"/proc/{engine.pid}/limits")
    if not limits.exists():
        skip_or_fail("only Linux tells the limits of another process")
    (line,) = [line for line in limits.read_text().splitlines() if line.startswith("Max address space")]
    soft = line.split()[3]
    if gigabytes:
        assert gigabytes * 1e9 < int(soft) < (gigabytes + 2) * 1e9
    else:
        assert soft == "unlimited"


NO_LIMITS = """
import resource
import transcribe_worker.recognizer.process as recognizer
def refuse(*_):
    raise ValueError("current limit exceeds maximum limit")
resource.setrlimit = refuse
recognizer.main()
"""


@posix_only
def test_a_system_that_refuses_to_limit_memory_as_macos_does_holds_no_recording_up(
    choice: Load, short_wav: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(Engine([sys.executable, "-c", NO_LIMITS])) as engine:
        engine.load(replace(choice, memory_gb=Settings().engine_memory_gb))
        assert list(engine.transcribe(Job(short_wav, OPTIONS), nothing))
    assert "refuses to limit the memory of the engine. It goes on" in capfd.readouterr().err


LIMITED = """
import ctypes, sys
from transcribe_worker import memory
memory.limit(0.1)
memory.limit(0.1)
try:
    block = bytearray(150_000_000)
except MemoryError as error:
    print(memory.ran_out(error), memory.is_short())
block = bytearray(90_000_000)
print(memory.is_short(), flush=True)
if sys.argv[1:]:
    new = ctypes.CDLL("libstdc++.so.6")._Znwm
    new.argtypes, new.restype = [ctypes.c_size_t], ctypes.c_void_p
    new(10**9)
"""


@limits_memory
def test_memory_that_is_limited_is_really_short() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False", "True"]


#: The same, with nothing on stdout, which an engine keeps for its events.
ABORTS = LIMITED.replace("sys.argv[1:]", "True").replace(
    "import ctypes", "import os\nos.dup2(2, 1)\nimport ctypes"
)


@limits_memory
def test_an_engine_that_dies_for_want_of_memory_is_a_crash_with_the_name_of_the_limit(
    choice: Load,
) -> None:
    with closing(Engine([sys.executable, "-c", ABORTS])) as engine:
        engine._process = EngineProcess(engine._command)
        with pytest.raises(EngineCrashed, match=r"ran out of memory and died \(SIGABRT\)\. Raise e") as died:
            list(engine.transcribe(Job(Path("call.wav"), OPTIONS), nothing))
    assert died.value.code == OutOfMemory.code


@pytest.mark.parametrize(
    ("text", "is_memory"),
    [
        ("mkl_malloc: failed to allocate memory", True),
        ("std::bad_alloc", True),
        ("bad allocation", True),
        ("Unable to allocate 8.24 MiB for an array with shape (3751, 576)", True),
        ("Failed to allocate memory for requested buffer of size 1024", True),
        ("OpenBLAS error: Memory allocation still failed after 10 retries, giving up.", True),
        ("CUDA failed with error out of memory", True),
        ("Invalid data found when processing input", False),
        ("No space left on device", False),
    ],
)
def test_native_libraries_are_understood_when_they_run_out_of_memory(text: str, is_memory: bool) -> None:
    assert memory.ran_out(RuntimeError(text)) is is_memory


class Kernel32:
    """The few functions of Windows that limit a process, as they are called: a stand-in."""

    class _Function:
        def __init__(self, answer: int, calls: list[tuple[Any, ...]]) -> None:
            self._answer, self._calls = answer, calls

        def __call__(self, *arguments: Any) -> int:
            self._calls.append(arguments)
            return self._answer

    def __init__(self, accepts: bool = True) -> None:
        self.jobs: list[tuple[Any, ...]] = []
        self.limits: list[tuple[Any, ...]] = []
        self.assigned: list[tuple[Any, ...]] = []
        self.CreateJobObjectW = self._Function(0x1_0000_0001, self.jobs)
        self.GetCurrentProcess = self._Function(-1, [])
        self.SetInformationJobObject = self._Function(1, self.limits)
        self.AssignProcessToJobObject = self._Function(int(accepts), self.assigned)


def test_on_windows_the_engine_puts_itself_into_a_job_with_a_limit() -> None:
    kernel32 = Kernel32()
    memory.limit_job(3 * 10**9, kernel32)
    ((job, kind, limits, size),) = kernel32.limits
    given = ctypes.cast(limits, ctypes.POINTER(memory.JobLimits)).contents
    assert (job.value, kind, size) == (0x1_0000_0001, 9, ctypes.sizeof(memory.JobLimits))
    assert (given.limit_flags, given.process_memory, given.job_memory) == (0x100, 3 * 10**9, 0)
    ((assigned_to, process),) = kernel32.assigned
    assert (assigned_to.value, process.value) == (0x1_0000_0001, ctypes.c_void_p(-1).value)


def test_the_limits_of_a_job_lie_where_windows_looks_for_them() -> None:
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        pytest.skip("the offsets are those of 64 bits")
    found = {name: getattr(memory.JobLimits, name).offset for name in ("limit_flags", "process_memory")}
    assert found == {"limit_flags": 16, "process_memory": 112}
    assert ctypes.sizeof(memory.JobLimits) == 144


def test_a_job_that_windows_refuses_is_an_error() -> None:
    with pytest.raises(OSError, match="refuses"):
        memory.limit_job(10**9, Kernel32(accepts=False))


# Progress


@posix_only
@pytest.mark.parametrize("after", ["opened", "decoded"])
def test_a_job_that_hangs_is_ended_and_the_next_goes_on(
    choice: Load, sentence: Path, sentence_and_call: Path, after: str
) -> None:
    with closing(Engine(silence_seconds=2.0)) as engine:
        engine.load(choice)
        hung = engine.pid
        assert hung
        events = engine.transcribe(Job(sentence_and_call, OPTIONS), nothing)
        next(event for event in events if type(event) is EVENTS[after])
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(EngineCrashed, match=r"made no progress for \d+ s") as ended:
            list(events)
        assert ended.value.code == "engine_crashed"
        with pytest.raises(ProcessLookupError):
            os.kill(hung, 0)
        engine.load(choice)
        assert list(engine.transcribe(Job(sentence, OPTIONS), nothing))


def test_a_slow_model_that_goes_on_is_let_go_on(choice: Load, sentence: Path) -> None:
    with closing(slow_engine(4.0, encode=2.2, generate=2.2, align=2.2)) as engine:
        engine.load(choice)  # each step takes half of what is allowed, the window more than all of it
        assert list(engine.transcribe(Job(sentence, OPTIONS), nothing))


def test_a_machine_that_is_slow_to_encode_is_given_more_time_to_write(choice: Load, sentence: Path) -> None:
    with closing(slow_engine(2.0, encode=0.6, generate=4.0)) as engine:
        engine.load(choice)
        assert list(engine.transcribe(Job(sentence, OPTIONS), nothing))


def test_one_that_was_quick_to_encode_is_not(choice: Load, sentence: Path) -> None:
    with closing(slow_engine(2.0, generate=60.0)) as engine:
        engine.load(choice)
        with pytest.raises(EngineCrashed, match="made no progress"):
            list(engine.transcribe(Job(sentence, OPTIONS), nothing))


def test_two_minutes_are_the_limit_and_loading_a_model_is_no_job() -> None:
    assert engines.SILENCE_SECONDS == 120
    assert engines.LONGEST_SILENCE_SECONDS == 600


def test_reading_a_long_recording_gives_signs_of_life(engine: Engine, choice: Load, tmp_path: Path) -> None:
    received: list[object] = []
    engine.load(choice)
    process = engine._process
    assert process
    receive = process.receive

    def note(timeout_seconds: float) -> Any:
        event = receive(timeout_seconds)
        received.append(type(event))
        return event

    process.receive = note  # type: ignore[method-assign]
    path = wav(tmp_path / "call.wav", 118, rate=192_000, channels=16)  # less than one stretch
    list(engine.transcribe(Job(path, OPTIONS), nothing))
    before_the_first_look = received[: received.index(Decoded)]
    assert Advanced in before_the_first_look
