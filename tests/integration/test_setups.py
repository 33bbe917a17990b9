"""How engines use the machine: measured here, or on a GPU that fails in every way but costs no word.

The GPU is `tests/fake_gpu.py`: the real model, which says what CTranslate2 says.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctranslate2
import pytest

from shared.errors import EngineUnusable
from shared.settings import RecordOptions
from tests.conftest import skip_or_fail
from tests.fake_gpu import NO_ALLOCATION, NO_LIBRARY, OUT_OF_MEMORY, FakeGpu
from tests.stage import Stage
from tests.voices import LONG_CALL, speak, write_wav
from transcribe_worker.engine.messages import Decoded, Job, Load
from transcribe_worker.engine.setup import Setup, Wishes, on_cpu
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.model_files import bundled_folder
from transcribe_worker.recognizer.loader import this_machine

#: Of the preset whose decoding takes the least: it is the same engine.
OPTIONS = RecordOptions(preset="fast")
PLENTY = 1_000_000
TWO_THREADS = Wishes("cpu", cpu_threads=2)
OUT = "the GPU was out of memory"
#: Between turns, so that each is a window, and three of them go into one batch.
WIDE_PAUSES_SECONDS = (2.0, 3.0)
#: An engine on a machine of which we say whether it has other work to do.
ENGINE = """
from dataclasses import replace
from transcribe_worker.recognizer import process
from transcribe_worker.recognizer.loader import this_machine
process.main(machine=lambda memory_gb: replace(this_machine(memory_gb), is_busy={is_busy}))
"""
posix_only = pytest.mark.skipif(os.name == "nt", reason="needs signals")


def nothing() -> None:
    """A heartbeat that lets the work go on."""


@pytest.fixture(scope="module")
def choice() -> Load:
    folder = bundled_folder()
    if folder is None:
        skip_or_fail("the model tiny.en is not installed")
    return Load("tiny.en", folder)


@pytest.fixture(scope="module")
def call_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stretches with a window each."""
    path = tmp_path_factory.mktemp("setups") / "call.wav"
    write_wav(path, speak(LONG_CALL[:8]).samples)
    return path


@pytest.fixture(scope="module")
def crowded_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stretch with many windows of one length."""
    path = tmp_path_factory.mktemp("setups") / "crowded.wav"
    write_wav(path, speak(LONG_CALL[:8], pause_seconds=WIDE_PAUSES_SECONDS).samples)
    return path


class Heard:
    """An engine, and what it says of itself."""

    def __init__(self, gpu: FakeGpu | None = None, is_busy: bool = False) -> None:
        self.setups: list[Setup] = []
        arguments = gpu.command("engine") if gpu else ["-c", ENGINE.format(is_busy=is_busy)]
        self.engine = Engine([sys.executable, *arguments], silence_seconds=60, note=self.setups.append)

    def words(self, choice: Load, path: Path) -> list[str]:
        """The text of each segment."""
        self.engine.load(choice)
        events = self.engine.transcribe(Job(path, OPTIONS), nothing)
        windows = [window for event in events if isinstance(event, Decoded) for window in event.windows]
        starts = [window.start_seconds for window in windows]
        assert starts == sorted(set(starts))
        return [segment.text for window in windows for segment in window.segments]

    def said(self) -> list[str]:
        return [setup.in_words() for setup in self.setups]


@pytest.fixture
def heard() -> Iterator[Callable[..., Heard]]:
    with ExitStack() as engines:

        def start(gpu: FakeGpu | None = None, **machine: bool) -> Heard:
            found = Heard(gpu, **machine)
            engines.enter_context(closing(found.engine))
            return found

        yield start


@pytest.fixture(scope="module")
def usual(choice: Load, call_wav: Path) -> list[str]:
    here = Heard()
    with closing(here.engine):
        found = here.words(replace(choice, wishes=Wishes("cpu")), call_wav)
    assert len(found) > 5
    return found


# The CPU


@pytest.mark.parametrize(("lanes", "batch_size"), [(1, 1), (3, 5)])
def test_lanes_and_batches_that_are_asked_for_are_taken_and_change_no_word(
    heard: Callable[..., Heard],
    choice: Load,
    call_wav: Path,
    usual: list[str],
    lanes: int,
    batch_size: int,
) -> None:
    here = heard()
    asked = replace(choice, wishes=Wishes("cpu", lanes=lanes, batch_size=batch_size))
    assert here.words(asked, call_wav) == usual
    (setup,) = here.setups
    assert (setup.device, setup.lanes, setup.batch_size, setup.reason) == ("cpu", lanes, batch_size, "")


def test_what_is_fastest_is_measured_at_the_first_start_and_known_at_the_next(
    heard: Callable[..., Heard], choice: Load, tmp_path: Path
) -> None:
    tuning = tmp_path / "tuning.json"
    measured = replace(choice, wishes=TWO_THREADS, tuning=tuning)
    first = heard()
    first.engine.load(measured)
    (entry,) = json.loads(tuning.read_text())["setups"].values()
    assert set(entry["seconds"]) <= {"2x1", "1x2"}  # those there was time for
    assert entry["split"] == first.setups[-1].split
    written = tuning.stat().st_mtime_ns
    other = {"2x1": "1x2", "1x2": "2x1"}[entry["split"]]
    second = heard()
    second.engine.load(measured)
    assert second.setups == first.setups
    assert tuning.stat().st_mtime_ns == written
    tuning.write_text(tuning.read_text().replace(f'"split": "{entry["split"]}"', f'"split": "{other}"'))
    third = heard()
    third.engine.load(measured)
    assert third.setups[-1].split == other


def test_a_machine_that_is_busy_is_measured_at_another_start(
    heard: Callable[..., Heard], choice: Load, tmp_path: Path
) -> None:
    tuning = tmp_path / "tuning.json"
    here = heard(is_busy=True)
    here.engine.load(replace(choice, wishes=TWO_THREADS, tuning=tuning))
    assert here.setups[-1].split == "2x1"
    assert not tuning.exists()


def test_measuring_keeps_within_a_limit_of_memory(
    heard: Callable[..., Heard], choice: Load, short_wav: Path, tmp_path: Path
) -> None:
    tuning = tmp_path / "tuning.json"
    small = replace(choice, wishes=TWO_THREADS, memory_gb=1.0, tuning=tuning)
    assert heard().words(small, short_wav)


@posix_only
def test_an_engine_that_dies_while_it_measures_loads_its_model_all_the_same(
    heard: Callable[..., Heard], choice: Load, tmp_path: Path
) -> None:
    tuning = tmp_path / "tuning.json"
    here, killed = heard(), threading.Event()

    def kill_in_the_midst() -> None:
        if tuning.exists() and not killed.is_set():
            killed.set()
            assert here.engine.pid
            os.kill(here.engine.pid, signal.SIGKILL)

    here.engine.load(replace(choice, wishes=TWO_THREADS, tuning=tuning), kill_in_the_midst)
    assert killed.is_set()
    assert here.setups[-1].split == "2x1"
    assert json.loads(tuning.read_text())["setups"] == {}  # to be measured when an engine starts again


# A GPU


def test_a_gpu_with_room_is_used_with_large_batches(
    heard: Callable[..., Heard], choice: Load, call_wav: Path, usual: list[str]
) -> None:
    here = heard(FakeGpu({"float16": PLENTY}))
    assert here.words(choice, call_wav) == usual
    assert here.said() == ["cuda, float16, 16 windows at a time"]


@pytest.mark.parametrize("fault", [OUT_OF_MEMORY, pytest.param(NO_ALLOCATION, marks=pytest.mark.long)])
def test_a_gpu_with_little_room_is_given_fewer_windows_and_no_word_is_lost(
    heard: Callable[..., Heard], choice: Load, crowded_wav: Path, short_wav: Path, fault: str
) -> None:
    on_the_cpu = heard().words(replace(choice, wishes=Wishes("cpu")), crowded_wav)
    here = heard(FakeGpu({"float16": 3000, "int8_float16": 3000}, fault))
    assert here.words(choice, crowded_wav) == on_the_cpu
    first, *others = here.said()
    assert first == "cuda, float16, 16 windows at a time"
    assert others
    assert all(said.startswith("cuda, float16, ") and said.endswith(OUT) for said in others)
    sizes = [setup.batch_size for setup in here.setups]
    assert sizes == sorted(set(sizes), reverse=True)
    before = len(here.setups)
    assert here.words(choice, short_wav)
    assert len(here.setups) == before  # it stays so


def test_without_room_for_one_window_it_takes_a_smaller_type_then_the_cpu(
    heard: Callable[..., Heard], choice: Load, call_wav: Path, short_wav: Path, usual: list[str]
) -> None:
    here = heard(FakeGpu({"float16": 300, "int8_float16": 500}))
    assert here.words(choice, call_wav) == usual
    kinds = list(dict.fromkeys((setup.device, setup.compute_type) for setup in here.setups))
    assert kinds[:2] == [("cuda", "float16"), ("cuda", "int8_float16")]
    assert [device for device, _ in kinds[2:]] == ["cpu"]
    assert here.setups[-1].lanes == 1  # of all cores: so many were being decoded at once
    assert here.setups[-1].reason == OUT
    assert here.words(choice, short_wav)
    assert here.setups[-1].device == "cpu"
    assert here.setups[-1].split == on_cpu(Wishes(), this_machine(0.0), 75_000_000)[0].split


def test_a_model_for_which_a_gpu_has_no_room_at_all_runs_on_the_cpu(
    heard: Callable[..., Heard], choice: Load, call_wav: Path, usual: list[str]
) -> None:
    here = heard(FakeGpu({"float16": 0, "int8_float16": 0}))
    assert here.words(replace(choice, wishes=Wishes(compute_type="float16")), call_wav) == usual
    (setup,) = here.setups
    assert (setup.device, setup.reason) == ("cpu", OUT)


def test_a_gpu_whose_libraries_are_missing_leaves_the_work_to_the_cpu(
    heard: Callable[..., Heard], choice: Load, call_wav: Path, usual: list[str]
) -> None:
    here = heard(FakeGpu({"float16": PLENTY}, NO_LIBRARY, is_broken=True))
    assert here.words(choice, call_wav) == usual
    (setup,) = here.setups
    assert setup.device == "cpu"
    assert setup.reason == f"the GPU cannot be used: {NO_LIBRARY}"


def test_a_gpu_that_is_asked_for_and_not_there_leaves_the_work_to_the_cpu(
    heard: Callable[..., Heard], choice: Load, short_wav: Path
) -> None:
    if ctranslate2.get_cuda_device_count():
        pytest.skip("there is a GPU")
    here = heard()
    assert here.words(replace(choice, wishes=Wishes("cuda", "float16")), short_wav)
    (setup,) = here.setups
    assert setup.device == "cpu"
    assert setup.reason.startswith("the GPU cannot be used: ")
    assert "CUDA" in setup.reason


def test_a_model_that_loads_nowhere_any_more_holds_the_recording_and_the_next_engine_tries_anew(
    heard: Callable[..., Heard], choice: Load, short_wav: Path
) -> None:
    here = heard(FakeGpu({"float16": 300}, is_alone=True))
    for _ in range(2):
        with pytest.raises(EngineUnusable, match="cannot be loaded again: std::bad_alloc"):
            here.words(choice, short_wav)
        assert here.engine.pid is None


def test_an_error_that_has_nothing_to_do_with_the_gpu_is_told_as_it_is(
    heard: Callable[..., Heard], choice: Load
) -> None:
    here = heard(FakeGpu({"float16": PLENTY}, "the model is damaged", is_broken=True))
    with pytest.raises(EngineUnusable, match="the model is damaged"):
        here.engine.load(choice)
    assert here.setups == []


# As a person sees it


def test_a_recording_on_a_gpu_without_room_is_completed_at_the_first_attempt_and_status_says_how(
    tmp_path: Path, call_wav: Path, usual: list[str]
) -> None:
    stage = Stage(tmp_path / "home")
    gpu = FakeGpu({"float16": 300, "int8_float16": 300})
    _, *module = gpu.command("worker")
    stage.drop(call_wav)
    with stage.process("transcribe_worker.inbox"), stage.process(*module):
        record = stage.finished("call")
        assert (record["status"], record["attempts"], record["crashes"]) == ("completed", 1, 0)

        def shown() -> dict[str, Any] | None:
            (worker,) = (it for it in stage.read("status")["workers"] if it["kind"] == "worker")
            (engine,) = worker["engines"] or [None]
            return engine if engine and engine["device"] == "cpu" else None

        engine = stage.wait_for(shown, "the engine to fall back to the CPU")
        assert engine["reason"] == OUT
        assert f"    {Setup(**engine).in_words()}" in stage.offhook("status").stdout
    log = (stage.home / "logs" / "worker.log").read_text()
    steps = [line for line in log.splitlines() if " engine: " in line]
    assert "engine: cuda, float16, 16 windows at a time" in steps[0]
    assert OUT in steps[-1]
    assert "cpu, " in steps[-1]
    assert stage.text(record).split() == " ".join(usual).split()


def test_without_a_gpu_status_says_how_the_cpu_is_used(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "home", (("OFFHOOK_LANES", "1"), ("OFFHOOK_BATCH_SIZE", "3")))
    with stage.process("transcribe_worker"):

        def shown() -> bool:
            return ", 3 windows at a time" in stage.offhook("status").stdout

        stage.wait_for(shown, "the model to be loaded")
        (engine,) = stage.read("status")["workers"][0]["engines"]
    assert (engine["device"], engine["lanes"], engine["batch_size"], engine["reason"]) == ("cpu", 1, 3, "")
