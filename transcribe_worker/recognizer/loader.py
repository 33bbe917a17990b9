"""Loads a model as the machine allows: on a GPU, there with less memory, then on the CPU.

A GPU that fails costs time and no recording.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import ctranslate2
import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel

from shared.errors import EngineUnusable
from transcribe_worker import memory
from transcribe_worker.engine.messages import Load, Reloading
from transcribe_worker.engine.setup import GPU, Machine, Setup, Wishes, on_cpu, on_gpu, wants_gpu
from transcribe_worker.recognizer import gpu, tuning
from transcribe_worker.recognizer.progress_signal import ProgressSignal
from transcribe_worker.recognizer.tuning import TuningFile
from transcribe_worker.speech.detection import speech_spans
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

PROBE_FRAMES = 100
SHORT_OF_MEMORY = "memory was short"


class Loader:
    """Keeps the current model and its setup; `relieve` may replace both during a recording.

    `report` is called with each new setup, and with Reloading before a model is replaced.
    """

    def __init__(
        self,
        load: Callable[..., WhisperModel],
        machine: Callable[[float], Machine],
        progress: ProgressSignal,
        report: Callable[[Setup | Reloading], None],
    ) -> None:
        self._load, self._machine, self._progress, self._report = load, machine, progress, report
        self._wanted: Load | None = None
        self._is_one_lane = False  # the fallback of a running recording, which goes on in one lane
        self._replacing = threading.RLock()
        self._model: WhisperModel | None = None
        self.limited_gb = 0.0  # the limit of this process's memory
        self.setup: Setup | None = None

    def load(self, wanted: Load) -> None:
        """Load a model in the best way that works. Raises whatever the library raises."""
        with self._replacing:
            self._wanted, self._model, self.setup = wanted, None, None  # two models may not fit
            self._is_one_lane = False
            if wants_gpu(wanted.wishes, self._machine(wanted.memory_gb)):
                self._model = self._on_gpu(on_gpu(wanted.wishes, wanted.model_bytes))
            else:
                self._model = self._on_cpu("")

    def current_model(self) -> WhisperModel:
        """Return the model to use now; waits while it is being replaced. Raises EngineUnusable."""
        with self._replacing:
            if self._model is None:
                raise EngineUnusable("The engine has no model.")
            return self._model

    def relieve(self, error: Exception, windows: int) -> int:
        """Make room after an error in a batch of `windows`; return how many to try now.

        Raises the error if there is nothing left to try.
        """
        assert self.setup
        if gpu.ran_out(error) and windows > 1:
            reason = gpu.cause(error) if self.setup.device == GPU else SHORT_OF_MEMORY
            self._use(replace(self.setup, batch_size=windows // 2, reason=reason))
        elif self.setup.device == GPU and gpu.is_at_fault(error):
            failed = self.setup
            self._replace(lambda: self._fallback(failed, error, lanes=1))
        else:
            raise error
        return self.setup.batch_size

    def rebalance(self) -> None:
        """Share the cores out again, between recordings, if the GPU failed during the last one."""
        if self._is_one_lane:
            assert self.setup
            reason = self.setup.reason
            self._replace(lambda: self._on_cpu(reason))

    def _replace(self, load: Callable[[], WhisperModel]) -> None:
        """Drop the current model, then load another; decoders get it for their next batch."""
        self._report(Reloading())
        with self._replacing, _no_recording_at_fault():
            self._model = None
            self._model = load()

    def _fallback(self, failed: Setup, error: Exception, lanes: int = 0) -> WhisperModel:
        """Load the model with less memory of the GPU, else on the CPU."""
        reason = gpu.cause(error)
        is_small = failed.compute_type.startswith("int8")
        small = gpu.small_type() if gpu.ran_out(error) and not is_small else None
        if small is None:
            return self._on_cpu(reason, lanes)
        assert self._wanted
        again = on_gpu(self._wanted.wishes, self._wanted.model_bytes)
        return self._on_gpu(replace(again, compute_type=small, reason=reason), lanes)

    def _on_gpu(self, setup: Setup, lanes: int = 0) -> WhisperModel:
        """Load a model on the GPU, or its fallback; `lanes` applies to the CPU."""
        try:
            model = self._probed(setup)
        except Exception as error:
            if not gpu.is_at_fault(error):
                raise
            traceback.clear_frames(error.__traceback__)  # they reference memory that must be freed
            failure = error
        else:
            self._use(replace(setup, compute_type=model.model.compute_type))
            return self._watched(model)
        return self._fallback(setup, failure, lanes)

    def _on_cpu(self, reason: str, lanes: int = 0) -> WhisperModel:
        assert self._wanted
        wanted = self._wanted
        self._limit_memory(wanted.memory_gb)
        machine = self._machine(wanted.memory_gb)
        compute_type = _for_cpu(wanted.wishes.compute_type) if reason else wanted.wishes.compute_type
        wishes = replace(wanted.wishes, compute_type=compute_type, lanes=lanes or wanted.wishes.lanes)
        setup = self._fastest(on_cpu(wishes, machine, wanted.model_bytes), wishes, machine)
        model = self._made(setup)
        self._is_one_lane = bool(lanes)
        self._use(replace(setup, compute_type=model.model.compute_type, reason=reason))
        return self._watched(model)

    def _fastest(self, setups: Sequence[Setup], wishes: Wishes, machine: Machine) -> Setup:
        """Return the setup that was measured as the fastest here; it is measured once."""
        assert self._wanted
        if len(setups) == 1 or self._wanted.tuning is None:
            return setups[0]
        file = TuningFile(self._wanted.tuning)
        key = tuning.key(self._wanted.folder, self._wanted.model_bytes, wishes, machine.cores)
        known = file.find(key, setups)
        if known is None and machine.is_busy:  # left to another start
            return setups[0]
        if known is None:
            file.begin(key)
            seconds = self._measured(setups)
            known = tuning.fastest(setups, seconds)
            file.keep(key, known, seconds)
        return known

    def _measured(self, setups: Sequence[Setup]) -> tuning.Seconds:
        try:
            return tuning.measure(setups, self._made, self._progress.advanced)
        except Exception as error:
            if not memory.ran_out(error):
                raise
            return {}  # the usual setup may fit

    def _probed(self, setup: Setup) -> WhisperModel:
        """Load a model and encode a little: a missing library of the GPU shows only then."""
        model = self._made(setup)
        mels = model.feature_extractor.mel_filters.shape[0]
        model.model.encode(StorageView.from_array(np.zeros((1, mels, PROBE_FRAMES), np.float32)))
        return model

    def _made(self, setup: Setup) -> WhisperModel:
        assert self._wanted
        return self._load(
            str(self._wanted.folder),
            device=setup.device,
            compute_type=setup.compute_type,
            cpu_threads=setup.threads,
            num_workers=setup.lanes,
        )

    def _watched(self, model: WhisperModel) -> WhisperModel:
        model.model = self._progress.of(model.model)
        return model

    def _use(self, setup: Setup) -> None:
        self.setup = setup
        self._report(setup)

    def _limit_memory(self, memory_gb: float) -> None:
        """Limit this process's memory, once, above what it has at its start.

        Not on a GPU: its driver reserves far more address space than there is memory.
        """
        if not memory_gb or self.limited_gb:
            return
        _allocate_once()
        try:
            memory.limit(memory_gb)
        except OSError as error:  # an engine without a limit is better than no engine
            sys.stderr.write(f"{error} It goes on without engine_memory_gb.\n")
        else:
            self.limited_gb = memory_gb


@contextmanager
def _no_recording_at_fault() -> Iterator[None]:
    """Turn an error of loading the model again into one that recordings wait for."""
    try:
        yield
    except Exception as error:
        raise EngineUnusable(f"The model cannot be loaded again: {error}") from error


def this_machine(memory_gb: float) -> Machine:
    """Return what an engine has on this machine, with `memory_gb` at most; 0 sets no limit."""
    cores = _cores()
    most_bytes = memory_gb * memory.GB or math.inf
    has_gpu, free_bytes = ctranslate2.get_cuda_device_count() > 0, memory.free_bytes()
    waiting = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return Machine(cores, has_gpu, min(most_bytes, free_bytes), is_busy=waiting > cores)


def _cores() -> int:
    """The processors that this process may use, where the system says so; else all of them."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _for_cpu(compute_type: str) -> str:
    """Return the compute type for a CPU that replaces a GPU, which knows other types."""
    return compute_type if compute_type in ctranslate2.get_supported_compute_types("cpu") else "auto"


def _allocate_once() -> None:
    """Trigger one-time native allocations before RLIMIT_AS is set; OpenBLAS aborts otherwise."""
    speech_spans(np.zeros(SAMPLE_RATE_HZ, np.float32))
    np.ones((256, 256), np.float32) @ np.ones((256, 256), np.float32)
