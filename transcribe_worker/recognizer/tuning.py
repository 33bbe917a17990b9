"""Measures at the first start which split of the cores is the fastest, and keeps the result in a small file.

The fastest split depends on processor, model and compute type, so no table can have it. A large model is
measured with less work, or not at all, because its recordings wait meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel

from shared.files import read_regular, whole
from transcribe_worker.engine.setup import Setup, Wishes

Load = Callable[[Setup], WhisperModel]
#: Seconds that each split took, in each round.
Seconds = Mapping[str, Sequence[float]]
#: Time limit for measuring, with the loading of models.
MOST_SECONDS = 10.0
ROUNDS = 2
#: Share by which another split must be faster than the usual one, in each round: the machine has other work.
MARGIN = 0.1
FRAMES = 1000
#: Version of the file; raise it when the meaning of an entry changes. Another version is measured again.
VERSION = 1
LARGEST_BYTES = 10_000_000
BEGUN = "begun"


@dataclass(frozen=True)
class Effort:
    """A batch: its windows, the tokens to write, and its cost in units of one encoded window."""

    windows: int
    tokens: int
    cost: float


#: Encoding alone favours few lanes of many threads, and writing takes most of the time.
EFFORTS = (Effort(4, 32, 10.0), Effort(1, 16, 4.0))
ONE_WINDOW = Effort(1, 0, 1.0)


class TuningFile:
    """The file of measured setups, for each processor, model and compute type."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, key: str, setups: Sequence[Setup]) -> Setup | None:
        """Return the setup that was measured as the fastest; None if it is to be measured.

        Measuring that was not finished may have ended the engine, so the usual setup is used this time.
        """
        entry = self._read().get(key)
        if entry == BEGUN:
            self._write({name: kept for name, kept in self._read().items() if name != key})
            return setups[0]
        split = entry.get("split") if isinstance(entry, dict) else None
        return next((setup for setup in setups if setup.split == split), None)

    def begin(self, key: str) -> None:
        """Note that measuring begins."""
        self._write(self._read() | {key: BEGUN})

    def keep(self, key: str, setup: Setup, seconds: Seconds) -> None:
        """Note the fastest setup, and the seconds of each split in each round."""
        taken = {split: [round(value, 3) for value in values] for split, values in seconds.items()}
        self._write(self._read() | {key: {"split": setup.split, "seconds": taken}})

    def _read(self) -> dict[str, Any]:
        """Return the entries; none of a file that is missing, damaged or of another version."""
        try:
            found = json.loads(read_regular(self._path, LARGEST_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        entries = found.get("setups") if isinstance(found, dict) and found.get("version") == VERSION else None
        return entries if isinstance(entries, dict) else {}

    def _write(self, entries: Mapping[str, Any]) -> None:
        content = json.dumps({"version": VERSION, "setups": entries}, indent=2)
        with contextlib.suppress(OSError), whole(self._path) as file:  # without the file it is measured again
            file.write(content.encode())


def key(folder: Path, model_bytes: int, wishes: Wishes, cores: int) -> str:
    """Return what a measured setup applies to."""
    model = f"{folder.resolve().name} of {model_bytes} bytes"
    library = f"ctranslate2 {ctranslate2.__version__}"
    return "; ".join((f"{_processor()}, {cores} cores", model, wishes.compute_type, library))


def measure(
    setups: Sequence[Setup],
    load: Load,
    advanced: Callable[[], None],
    monotonic: Callable[[], float] = time.monotonic,
) -> Seconds:
    """Return the seconds of each split for the same work; leaves out splits that there is no time for."""
    began, longest = monotonic(), 0.0
    seconds: dict[str, list[float]] = {}
    batches = max(setup.lanes for setup in setups)
    effort: Effort | None = None
    for setup in (*setups,) * ROUNDS:
        if monotonic() - began + longest > MOST_SECONDS:
            break
        started = monotonic()
        model = load(setup)
        advanced()
        left = MOST_SECONDS / len(setups) / ROUNDS - (monotonic() - started)
        effort = effort or (affordable(left, one_window(model), batches) if left > 0 else None)
        if effort is None:
            break
        seconds.setdefault(setup.split, []).append(work_through(model, setup.lanes, batches, effort))
        advanced()
        del model  # two models may not fit
        longest = max(longest, monotonic() - started)
    return seconds


def affordable(left_seconds: float, window_seconds: float, batches: int) -> Effort | None:
    """Return the largest effort that fits into the time, by the seconds to encode a window; else None."""
    return next((it for it in EFFORTS if it.cost * window_seconds * batches <= left_seconds), None)


def fastest(setups: Sequence[Setup], seconds: Seconds) -> Setup:
    """Return the usual setup, or another one that was clearly faster in each round."""
    usual = setups[0]
    slowest = {split: max(values) for split, values in seconds.items() if len(values) == ROUNDS}
    if usual.split not in slowest:
        return usual
    limit = min(seconds[usual.split]) * (1 - MARGIN)
    clearly = [setup for setup in setups if slowest.get(setup.split, limit) < limit]
    return min(clearly, key=lambda setup: slowest[setup.split], default=usual)


def one_window(model: WhisperModel) -> float:
    """Return the seconds to encode a window, the smaller of two: the first time is slower."""
    return min(_timed(lambda: _work(model, ONE_WINDOW)) for _ in range(2))


def work_through(model: WhisperModel, lanes: int, batches: int, effort: Effort) -> float:
    """Return the seconds for `batches`, after each lane has started."""
    with ThreadPoolExecutor(lanes) as pool:
        list(pool.map(lambda _: _work(model, ONE_WINDOW), range(lanes)))
        return _timed(lambda: list(pool.map(lambda _: _work(model, effort), range(batches))))


def _work(model: WhisperModel, effort: Effort) -> None:
    """Encode noise and write a text of a fixed length, so that every split does the same work."""
    mels = model.feature_extractor.mel_filters.shape[0]
    noise = np.random.default_rng(0).standard_normal((effort.windows, mels, FRAMES)).astype(np.float32) * 0.3
    encoded = model.model.encode(StorageView.from_array(noise))
    if not effort.tokens:
        return
    begin, end = (
        model.hf_tokenizer.token_to_id(f"<|{name}|>") for name in ("startoftranscript", "endoftext")
    )
    prompts = [[begin]] * effort.windows
    model.model.generate(encoded, prompts, max_length=effort.tokens, suppress_tokens=[end], beam_size=5)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _processor() -> str:
    """Return the system's name of the processor."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
            return f"{platform.machine()} {names[0] if names else ''}".strip()
    return f"{platform.machine()} {platform.processor()}".strip()
