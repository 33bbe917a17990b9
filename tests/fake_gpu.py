"""A GPU that is not there: the real model on the CPU, which says what CTranslate2 says when one fails.

It has room for so many frames at once, of all windows together, for each compute type. Run as a module with
`engine` or `worker` and its properties as JSON, it is that process with such a GPU.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import ctranslate2
from faster_whisper import WhisperModel

from shared.process import run
from transcribe_worker import worker
from transcribe_worker.engine.setup import Machine
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.recognizer import process
from transcribe_worker.recognizer.loader import this_machine

#: Word for word what CTranslate2 4.8 raises, as RuntimeError.
OUT_OF_MEMORY = "CUDA failed with error out of memory"
NO_ALLOCATION = "cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED"
NO_LIBRARY = "Library libcublas.so.12 is not found or cannot be loaded"


@dataclass(frozen=True)
class FakeGpu:
    """What a GPU knows, and for how many frames it has memory."""

    room_frames: dict[str, int] = field(default_factory=dict)  # of each compute type that it knows
    fault: str = OUT_OF_MEMORY
    is_broken: bool = False  # whether every step raises the fault
    is_alone: bool = False  # whether the model does not load on the CPU

    def command(self, kind: str) -> list[str]:
        """The arguments of Python that make it a process with this GPU."""
        return ["-m", "tests.fake_gpu", kind, json.dumps(asdict(self))]

    def load(self, folder: str, *, device: str, compute_type: str, **options: Any) -> WhisperModel:
        """What WhisperModel does on a machine with this GPU."""
        if device == "cpu" and self.is_alone:
            raise RuntimeError("std::bad_alloc")
        if device == "cpu":
            return WhisperModel(folder, device=device, compute_type=compute_type, **options)
        model = WhisperModel(folder, device="cpu", compute_type="auto", cpu_threads=1)
        kind = next(iter(self.room_frames)) if compute_type == "auto" else compute_type
        model.model = _Limited(model.model, kind, self)
        return model

    def machine(self, memory_gb: float) -> Machine:
        """This machine with that GPU in it."""
        return replace(this_machine(memory_gb), has_gpu=True)

    def is_plugged_in(self) -> None:
        """Let CTranslate2 tell of it."""
        really = ctranslate2.get_supported_compute_types
        known = set(self.room_frames)
        ctranslate2.get_supported_compute_types = lambda device, index=0: (
            known if device == "cuda" else really(device)
        )


class _Limited:
    def __init__(self, model: Any, compute_type: str, gpu: FakeGpu) -> None:
        self._model, self.compute_type, self._gpu = model, compute_type, gpu
        self.device = "cuda"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, features: Any, **options: Any) -> Any:
        windows, _, frames = features.shape
        if self._gpu.is_broken or windows * frames > self._gpu.room_frames[self.compute_type]:
            raise RuntimeError(self._gpu.fault)
        return self._model.encode(features, **options)


def main(kind: str, properties: str) -> int | None:
    gpu = FakeGpu(**json.loads(properties))
    if kind == "engine":
        gpu.is_plugged_in()
        process.main(load=gpu.load, machine=gpu.machine)
        return None
    worker.Engine = partial(Engine, [sys.executable, *gpu.command("engine")])  # type: ignore[misc,assignment]
    return run("worker", worker.work)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
