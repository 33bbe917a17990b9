"""How an engine uses a machine: where its model runs, how many batches at once, how large."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields

CPU, GPU = "cpu", "cuda"
#: Windows decoded together, by the size of the model's file in bytes. On a CPU more windows take more memory
#: and hardly less time, and a step of a large model may take so long that it seems to hang. A GPU idles with
#: few windows.
BATCHES = {
    CPU: ((200_000_000, 8), (600_000_000, 4), (1_600_000_000, 2), (math.inf, 1)),
    GPU: ((1_600_000_000, 16), (math.inf, 8)),
}
#: More lanes than the first leave no core and no memory for other work; the second is the usual number.
MOST_LANES, USUAL_LANES = 8, 4
#: Memory that a window takes while it is decoded: a constant, and a share of the size of the model's file.
WINDOW_BYTES, WINDOW_SHARE = 50_000_000, 0.2
#: Share of the free memory that an engine may plan with.
MEMORY_SHARE = 0.7


@dataclass(frozen=True)
class Wishes:
    """The settings of an engine; `auto` and 0 leave the choice to it."""

    device: str = "auto"
    compute_type: str = "auto"
    cpu_threads: int = 0
    lanes: int = 0
    batch_size: int = 0


@dataclass(frozen=True)
class Machine:
    """The resources of a machine; memory in bytes, infinite where the system does not report it."""

    cores: int
    has_gpu: bool = False
    memory_bytes: float = math.inf
    is_busy: bool = False  # with other work, so that measuring would mislead


@dataclass(frozen=True)
class Setup:
    """How an engine uses the machine; `reason` says why it differs from the first choice."""

    device: str
    compute_type: str
    lanes: int
    threads: int  # of a lane; 0 on a GPU
    batch_size: int
    reason: str = ""

    @property
    def split(self) -> str:
        """Lanes and threads, as the tuning file has them."""
        return f"{self.lanes}x{self.threads}"

    def in_words(self) -> str:
        """Return the setup in words, for a person."""
        lanes = () if self.device == GPU else (f"{_so_many(self.lanes, 'lane')} of {_threads(self.threads)}",)
        parts = (self.device, self.compute_type, *lanes, f"{_so_many(self.batch_size, 'window')} at a time")
        return ", ".join(parts) + (f"; {self.reason}" if self.reason else "")


#: Version of the JSON of setups; raise it when the meaning of a field changes.
VERSION = 1


def setups_as_json(setups: Iterable[Setup]) -> str:
    """Write the setups of a worker's engines, for its row in the database."""
    return json.dumps({"version": VERSION, "setups": [asdict(setup) for setup in setups]})


def setups_from_json(text: str | None) -> list[Setup]:
    """Read the setups of a worker's engines, which may be of another version of offhook.

    Passes over unknown fields, setups that lack one, and unknown versions: they are for display alone.
    """
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    if isinstance(found, dict):
        found = found.get("setups") if found.get("version") == VERSION else []
    setups = found if isinstance(found, list) else []
    return [setup for setup in map(_setup, setups) if setup]


def _setup(found: object) -> Setup | None:
    if not isinstance(found, dict):
        return None
    types = {"str": str, "int": int}
    known = {it.name: types[str(it.type)] for it in fields(Setup)}
    given = {name: found[name] for name in known if name in found}
    if any(type(value) is not known[name] for name, value in given.items()):
        return None
    try:
        return Setup(**given)
    except TypeError:
        return None


def wants_gpu(wishes: Wishes, machine: Machine) -> bool:
    """Whether the model is to run on a GPU."""
    return wishes.device == GPU or (wishes.device == "auto" and machine.has_gpu)


def on_gpu(wishes: Wishes, model_bytes: int) -> Setup:
    """Return the setup for a GPU: one lane, because it does one thing at a time, and larger batches."""
    size = wishes.batch_size or _by_size(GPU, model_bytes)
    return Setup(GPU, wishes.compute_type, 1, 0, size)


def on_cpu(wishes: Wishes, machine: Machine, model_bytes: int) -> list[Setup]:
    """Return the ways to share the cores out, the usual one first; measuring shows which is the fastest."""
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
    """Return for how many windows there is memory beside the model."""
    left = memory_bytes * MEMORY_SHARE - model_bytes
    return left / (WINDOW_BYTES + WINDOW_SHARE * model_bytes)


def _threads(count: int) -> str:
    return _so_many(count, "thread")


def _so_many(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
