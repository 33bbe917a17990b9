"""Loads a model the way the machine allows: on a GPU, there with less memory, and at last on the CPU.

Whatever a GPU lacks costs time, never a recording.
"""

from __future__ import annotations

import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import ctranslate2
import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel

from shared.errors import EngineUnusable
from transcribe_worker import memory
from transcribe_worker.engine.setup import GPU, Machine, Setup, Wishes, on_cpu, on_gpu, wants_gpu
from transcribe_worker.recognizer import gpu, tuning
from transcribe_worker.recognizer.progress_signal import ProgressSignal
from transcribe_worker.recognizer.tuning import Measures
from transcribe_worker.speech.stretches import detect_speech
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

PROBE_FRAMES = 100
SHORT_OF_MEMORY = "memory was short"


@dataclass(frozen=True)
class Order:
    """A model's folder, how the settings want it loaded, and the file for what is measured, if any."""

    folder: Path
    wishes: Wishes
    memory_gb: float = 0.0
    measures: Path | None = None

    @property
    def model_bytes(self) -> int:
        """The size of the weights."""
        weights = self.folder / "model.bin"
        return weights.stat().st_size if weights.is_file() else 0


class Loader:
    """Holds a model and its setup; both may change while a recording is decoded."""

    def __init__(
        self,
        load: Callable[..., WhisperModel],
        machine: Callable[[float], Machine],
        signs: ProgressSignal,
        tell: Callable[[str, Setup], None],
    ) -> None:
        self._load, self._machine, self._signs, self._tell = load, machine, signs, tell
        self._order: Order | None = None
        self._is_makeshift = False
        self.limited_gb = 0.0  # what this process's memory is limited to
        self.model: WhisperModel | None = None
        self.setup: Setup | None = None

    def load(self, order: Order) -> None:
        """Have a model in memory, the best way that works. Raises whatever the library does."""
        self._order, self.model, self.setup = order, None, None  # two models at once may not fit
        self._is_makeshift = False
        if wants_gpu(order.wishes, self._machine(order.memory_gb)):
            self.model = self._on_gpu(on_gpu(order.wishes, order.model_bytes))
        else:
            self.model = self._on_cpu("")

    def relieve(self, error: Exception, windows: int) -> int:
        """Make room after an error with so many windows at a time; return how many to try now.

        Raises the error if there is nothing left to try.
        """
        assert self.setup
        if gpu.ran_out(error) and windows > 1:
            reason = gpu.cause(error) if self.setup.device == GPU else SHORT_OF_MEMORY
            self._note(replace(self.setup, batch_size=windows // 2, reason=reason))
        elif self.setup.device == GPU and gpu.is_at_fault(error):
            self._load_anew(error)
        else:
            raise error
        return self.setup.batch_size

    def settle(self) -> None:
        """Between recordings: share the cores out well, if the GPU failed in the midst of the last one."""
        if self._is_makeshift:
            assert self.setup
            self._tell("reloading", self.setup)
            reason, self.model = self.setup.reason, None
            with _no_recording_at_fault():
                self.model = self._on_cpu(reason)

    def _load_anew(self, error: Exception) -> None:
        """Put a humbler model in the place of the one that failed, in the midst of a recording."""
        assert self.model
        assert self.setup
        self._tell("reloading", self.setup)
        self.model.model = None  # the recording that is under way holds the rest of it
        with _no_recording_at_fault():
            self.model.model = self._fallback(self.setup, error, lanes=1).model

    def _fallback(self, failed: Setup, error: Exception, lanes: int = 0) -> WhisperModel:
        """What comes after a way on the GPU that has failed: less memory, then the CPU."""
        reason = gpu.cause(error)
        is_small = failed.compute_type.startswith("int8")
        small = gpu.small_type() if gpu.ran_out(error) and not is_small else None
        if small is None:
            return self._on_cpu(reason, lanes)
        assert self._order
        again = on_gpu(self._order.wishes, self._order.model_bytes)
        return self._on_gpu(replace(again, compute_type=small, reason=reason), lanes)

    def _on_gpu(self, setup: Setup, lanes: int = 0) -> WhisperModel:
        """A model on the GPU, or what comes after that; `lanes` is for the CPU."""
        try:
            model = self._probed(setup)
        except Exception as error:
            if not gpu.is_at_fault(error):
                raise
            traceback.clear_frames(error.__traceback__)  # they keep what is to be freed
            failure = error
        else:
            self._note(replace(setup, compute_type=model.model.compute_type))
            return self._watched(model)
        return self._fallback(setup, failure, lanes)

    def _on_cpu(self, reason: str, lanes: int = 0) -> WhisperModel:
        assert self._order
        order = self._order
        self._limit_memory(order.memory_gb)
        machine = self._machine(order.memory_gb)
        compute_type = _for_cpu(order.wishes.compute_type) if reason else order.wishes.compute_type
        wishes = replace(order.wishes, compute_type=compute_type, lanes=lanes or order.wishes.lanes)
        setup = self._fastest(on_cpu(wishes, machine, order.model_bytes), wishes, machine)
        model = self._made(setup)
        self._is_makeshift = bool(lanes)
        self._note(replace(setup, compute_type=model.model.compute_type, reason=reason))
        return self._watched(model)

    def _fastest(self, setups: Sequence[Setup], wishes: Wishes, machine: Machine) -> Setup:
        """The setup that was measured to be the fastest here; it is measured once."""
        assert self._order
        if len(setups) == 1 or self._order.measures is None:
            return setups[0]
        kept = Measures(self._order.measures)
        key = tuning.key(self._order.folder, self._order.model_bytes, wishes, machine.cores)
        known = kept.find(key, setups)
        if known is None and machine.is_busy:  # at another start, perhaps
            return setups[0]
        if known is None:
            kept.begin(key)
            seconds = self._measured(setups)
            known = tuning.fastest(setups, seconds)
            kept.keep(key, known, seconds)
        return known

    def _measured(self, setups: Sequence[Setup]) -> tuning.Seconds:
        try:
            return tuning.measure(setups, self._made, self._signs.advanced)
        except Exception as error:
            if not memory.ran_out(error):
                raise
            return {}  # the usual one may fit all the same

    def _probed(self, setup: Setup) -> WhisperModel:
        """A model that has encoded a little: some libraries of a GPU are missed only then."""
        model = self._made(setup)
        mels = model.feature_extractor.mel_filters.shape[0]
        model.model.encode(StorageView.from_array(np.zeros((1, mels, PROBE_FRAMES), np.float32)))
        return model

    def _made(self, setup: Setup) -> WhisperModel:
        assert self._order
        return self._load(
            str(self._order.folder),
            device=setup.device,
            compute_type=setup.compute_type,
            cpu_threads=setup.threads,
            num_workers=setup.lanes,
        )

    def _watched(self, model: WhisperModel) -> WhisperModel:
        model.model = self._signs.of(model.model)
        return model

    def _note(self, setup: Setup) -> None:
        self.setup = setup
        self._tell("setup", setup)

    def _limit_memory(self, memory_gb: float) -> None:
        """Limit this process's memory, once: what it has at its start does not count.

        Not on a GPU, whose driver reserves far more address space than there is memory.
        """
        if not memory_gb or self.limited_gb:
            return
        _have_libraries_ready()
        try:
            memory.limit(memory_gb)
        except OSError as error:  # an engine without a limit is better than none
            sys.stderr.write(f"{error} It goes on without engine_memory_gb.\n")
        else:
            self.limited_gb = memory_gb


@contextmanager
def _no_recording_at_fault() -> Iterator[None]:
    """Turn whatever keeps a model from being loaded anew into an error that recordings only wait for."""
    try:
        yield
    except Exception as error:
        raise EngineUnusable(f"The model cannot be loaded anew: {error}") from error


def this_machine(memory_gb: float) -> Machine:
    """What an engine has here, with so much memory at most; 0 sets no limit."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    most_bytes = memory_gb * memory.GB or math.inf
    has_gpu, free_bytes = ctranslate2.get_cuda_device_count() > 0, memory.free_bytes()
    waiting = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return Machine(cores, has_gpu, min(most_bytes, free_bytes), is_busy=waiting > cores)


def _for_cpu(compute_type: str) -> str:
    """The compute type for a CPU in the place of a GPU, which knows others."""
    return compute_type if compute_type in ctranslate2.get_supported_compute_types("cpu") else "auto"


def _have_libraries_ready() -> None:
    """Let libraries take what they take but once: without it, OpenBLAS ends the process."""
    detect_speech(np.zeros(SAMPLE_RATE_HZ, np.float32))
    np.ones((256, 256), np.float32) @ np.ones((256, 256), np.float32)
