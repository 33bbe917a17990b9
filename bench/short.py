"""Measures the speed with many short recordings: `python -m bench.short`.

Drops them all at once into the inbox of a home in which everything runs, and waits for the last one. The
worker's log at DEBUG has the times of each recording; overhead is everything except the model and speech
detection. Processor time comes from the system; on a busy machine it is more reliable than the clock.
"""

from __future__ import annotations

import argparse
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import numpy as np
import psutil

from bench.corpora import Samples
from bench.figures import percentiles
from stress.watch import reading
from tests.stage import Stage
from tests.voices import LONG_CALL, SAMPLE_RATE_HZ, Turn, speak, word_error_rate, write_wav
from transcribe_worker.recognition.presets import PRESETS

LOOK_SECONDS = 0.1
WARM_UP = "warm-up"
NOISE = 0.001
PARTS = re.compile(r"recording (\d+): ([\d.]+) s: (.*); of it speech ([\d.]+), model ([\d.]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Short:
    """A recording of one sentence."""

    samples: Samples
    words: str


@dataclass(frozen=True)
class Spent:
    """The milliseconds of one recording in its worker, by step."""

    total: float
    speech: float
    model: float
    steps: Mapping[str, float]

    @property
    def overhead(self) -> float:
        return self.total - self.speech - self.model


@dataclass(frozen=True)
class Run:
    """The results of a run, and its rates."""

    since_drop: float
    since_claim: float
    spent: Sequence[Spent]
    wrong: float  # word error rate
    processor: Mapping[str, float]  # milliseconds of each process, for one recording


def sentences(count: int, seconds: float) -> list[Short]:
    """Return different recordings of this length: sentences in turn, each with other noise."""
    spoken = list(_spoken(seconds))
    chance = np.random.default_rng(1)
    frames = round(seconds * SAMPLE_RATE_HZ)
    found = []
    for number in range(count):
        said = spoken[number % len(spoken)]
        noise = chance.standard_normal(frames).astype(np.float32) * NOISE
        noise[: len(said.samples)] += said.samples
        found.append(Short(noise, said.words))
    return found


def _spoken(seconds: float) -> Iterator[Short]:
    for turn in LONG_CALL:
        for sentence in re.findall(r"[^.?!]+[.?!]", turn.text):
            call = speak([Turn(turn.speaker, sentence.strip())], pause_seconds=(0.1, 0.2))
            if call.duration_seconds <= seconds and len(sentence.split()) > 2:
                yield Short(call.samples, call.words)


def measure(recordings: Sequence[Short], settings: Mapping[str, str]) -> Run:
    """Transcribe the recordings with real processes."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        own = {"LOG_LEVEL": "DEBUG", "LANGUAGE": "en", **settings}
        stage = Stage(home, tuple((f"OFFHOOK_{name}", value) for name, value in own.items()))
        ready = Path(folder) / "ready"
        ready.mkdir()
        for number, recording in enumerate(recordings):
            write_wav(ready / f"{number}.wav", recording.samples)
        with stage.process("transcribe_worker") as worker, stage.process("transcribe_worker.inbox") as inbox:
            _warm_up(stage, recordings[0], int(settings["WORKERS"]))
            before = _processor_seconds(worker.pid, inbox.pid)
            dropped = time.time()
            for path in sorted(ready.iterdir(), key=lambda path: int(path.stem)):
                path.rename(stage.inbox / path.name)
            rows = _completed(home, len(recordings))
            after = _processor_seconds(worker.pid, inbox.pid)
        began, ended = min(row["started_at"] for row in rows), max(row["completed_at"] for row in rows)
        spent = _spent(home / "logs" / "worker.log", {row["id"] for row in rows})
        heard = {row["title"]: row["text"] or "" for row in rows}
    wrong = word_error_rate(
        " ".join(recording.words for recording in recordings),
        " ".join(heard[str(number)] for number in range(len(recordings))),
    )
    processor = {name: (after[name] - before[name]) * 1000 / len(rows) for name in after}
    return Run(len(rows) / (ended - dropped), len(rows) / (ended - began), spent, wrong, processor)


def _processor_seconds(worker: int, inbox: int) -> dict[str, float]:
    """Return the processor time of each process; the engines are the worker's children."""
    kinds = {
        "inbox": [psutil.Process(inbox)],
        "worker": [psutil.Process(worker)],
        "engine": psutil.Process(worker).children(),
    }
    times = {kind: [process.cpu_times() for process in found] for kind, found in kinds.items()}
    return {kind: sum(each.user + each.system for each in found) for kind, found in times.items()}


def _warm_up(stage: Stage, recording: Short, workers: int) -> None:
    """Start every engine with its model."""
    stage.inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(workers):
        write_wav(stage.inbox / f"{WARM_UP}-{number}.wav", recording.samples * (0.5 + 0.1 * number))
    while not (stage.home / "offhook.db").exists():
        time.sleep(LOOK_SECONDS)
    _completed(stage.home, workers, f"{WARM_UP}%")


def _completed(home: Path, count: int, title: str = "%") -> list[sqlite3.Row]:
    """Wait until all recordings are completed."""
    with reading(home) as database:
        while True:
            rows = _rows(database, title)
            states = [row["transcription_status"] for row in rows]
            assert "failed" not in states
            if states.count("completed") == count and all(row["filed_at"] for row in rows):
                return rows
            time.sleep(LOOK_SECONDS)


def _rows(database: sqlite3.Connection, title: str) -> list[sqlite3.Row]:
    try:
        return database.execute(ROWS, (title, title == "%")).fetchall()
    except sqlite3.OperationalError:  # the tables are not created yet
        return []


ROWS = f"""SELECT r.*, (SELECT group_concat(text, ' ') FROM segments WHERE record_id = r.id) AS text
    FROM call_records AS r WHERE title LIKE ? AND NOT (? AND title LIKE '{WARM_UP}%')"""


def _spent(log: Path, records: set[int]) -> list[Spent]:
    text = "".join(path.read_text("utf-8") for path in log.parent.glob(f"{log.name}*"))
    found = []
    for number, total, steps, speech, model in PARTS.findall(text):
        if int(number) in records:
            named = dict(step.split(" ") for step in steps.split(", "))
            in_ms = {name: float(seconds) * 1000 for name, seconds in named.items()}
            found.append(Spent(float(total) * 1000, float(speech) * 1000, float(model) * 1000, in_ms))
    assert len(found) == len(records), "each recording has its line in the log"
    return found


def report(runs: Sequence[Run]) -> str:
    """Format the figures of runs, with the medians of their rates."""
    spent = [each for run in runs for each in run.spent]
    lines = [
        f"{median(run.since_drop for run in runs):.2f} a second since the drop of all, "
        f"{median(run.since_claim for run in runs):.2f} since the first claim; "
        f"{100 * runs[0].wrong:.1f} % of the words wrong",
        "milliseconds of one recording in its worker:",
    ]
    for name in ("total", "model", "speech", "overhead"):
        values = [getattr(each, name) for each in spent]
        lines.append(f"  {name:<10}{percentiles(values)}   mean {mean(values):7.1f}")
    lines.append("its steps, those of the engine within `decoded`:")
    for name in spent[0].steps:
        lines.append(f"  {name:<10}{percentiles([each.steps[name] for each in spent])}")
    shares = (f"{name} {mean(run.processor[name] for run in runs):.1f}" for name in runs[0].processor)
    return "\n".join([*lines, f"its processor time: {', '.join(shares)}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=3.0, help="the length of each")
    parser.add_argument("--times", type=int, default=1, help="how often all of it is measured")
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--workers", type=int, default=1, help="the setting `workers`")
    options = parser.parse_args()
    recordings = sentences(options.records, options.seconds)
    for preset in options.presets:
        settings = {"PRESET": preset, "WORKERS": str(options.workers)}
        runs = []
        for _ in range(options.times):
            runs.append(measure(recordings, settings))
            print(f"{preset}: {runs[-1].since_drop:.2f} a second", file=sys.stderr, flush=True)
        print(f"{options.records} recordings of {options.seconds:g} s, {preset}: {report(runs)}")


if __name__ == "__main__":
    main()
