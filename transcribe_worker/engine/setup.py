"""How an engine uses a machine: where its model runs, how many batches at once, how large."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

CPU, GPU = "cpu", "cuda"
#: Windows decoded together, by the size of the model's file in bytes. On a CPU more take more memory and
#: hardly less time, and a step of a large model so long that it would be taken for one that hangs. A GPU
#: idles with few.
BATCHES = {
    CPU: ((200_000_000, 8), (600_000_000, 4), (1_600_000_000, 2), (math.inf, 1)),
    GPU: ((1_600_000_000, 16), (math.inf, 8)),
}
#: More lanes leave no core for anything else, and memory for none of them; so many are the usual thing.
MOST_LANES, USUAL_LANES = 8, 4
#: What a window takes while it is decoded, and so much of the size of the model's file more.
WINDOW_BYTES, WINDOW_SHARE = 50_000_000, 0.2
#: How much of the memory that is free an engine may count on.
MEMORY_SHARE = 0.7


@dataclass(frozen=True)
class Wishes:
    """What the settings ask for; `auto` and 0 leave it to the machine."""

    device: str = "auto"
    compute_type: str = "auto"
    cpu_threads: int = 0
    lanes: int = 0
    batch_size: int = 0


@dataclass(frozen=True)
class Machine:
    """What there is to be used; memory in bytes, infinite where the system does not tell."""

    cores: int
    has_gpu: bool = False
    memory_bytes: float = math.inf
    is_busy: bool = False  # with other work, so that nothing can be measured


@dataclass(frozen=True)
class Setup:
    """How an engine uses the machine; `reason` says why not as it would have at first."""

    device: str
    compute_type: str
    lanes: int
    threads: int  # of a lane; 0 on a GPU
    batch_size: int
    reason: str = ""

    @property
    def split(self) -> str:
        """Lanes and threads, as they are written down."""
        return f"{self.lanes}x{self.threads}"

    def in_words(self) -> str:
        """The same for a person."""
        lanes = () if self.device == GPU else (f"{_so_many(self.lanes, 'lane')} of {_threads(self.threads)}",)
        parts = (self.device, self.compute_type, *lanes, f"{_so_many(self.batch_size, 'window')} at a time")
        return ", ".join(parts) + (f"; {self.reason}" if self.reason else "")


def wants_gpu(wishes: Wishes, machine: Machine) -> bool:
    """Whether the model is to run on a GPU."""
    return wishes.device == GPU or (wishes.device == "auto" and machine.has_gpu)


def on_gpu(wishes: Wishes, model_bytes: int) -> Setup:
    """One lane, as a GPU does one thing at a time, with larger batches."""
    size = wishes.batch_size or _by_size(GPU, model_bytes)
    return Setup(GPU, wishes.compute_type, 1, 0, size)


def on_cpu(wishes: Wishes, machine: Machine, model_bytes: int) -> list[Setup]:
    """The ways to share the cores out, the usual one first; which is the fastest, only measuring tells."""
    cores = wishes.cpu_threads or machine.cores
    room = _windows_that_fit(machine.memory_bytes, model_bytes)
    most = 1 if room < 1 else int(min(cores, room, MOST_LANES))
    several = [wishes.lanes] if wishes.lanes else sorted(_halved(most), key=lambda lanes: lanes > USUAL_LANES)
    sizes = {lanes: wishes.batch_size or _batch_size(model_bytes, room / lanes) for lanes in several}
    return [Setup(CPU, wishes.compute_type, lanes, max(1, cores // lanes), sizes[lanes]) for lanes in several]


def _halved(number: int) -> Iterator[int]:
    """A number, its half, and so on down to 1."""
    while number:
        yield number
        number //= 2


def _batch_size(model_bytes: int, room: float) -> int:
    return int(max(1, min(_by_size(CPU, model_bytes), room)))


def _by_size(device: str, model_bytes: int) -> int:
    return next(windows for limit_bytes, windows in BATCHES[device] if model_bytes <= limit_bytes)


def _windows_that_fit(memory_bytes: float, model_bytes: int) -> float:
    """How many windows there is memory for beside the model."""
    left = memory_bytes * MEMORY_SHARE - model_bytes
    return left / (WINDOW_BYTES + WINDOW_SHARE * model_bytes)


def _threads(count: int) -> str:
    return _so_many(count, "thread")


def _so_many(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
