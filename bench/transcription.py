"""Compares offhook with other programs: `python -m bench.transcription`, with the extra `bench`.

All programs get the same recordings and the same model files, int8, on all cores, and run as whole
processes, in turn and several times. offhook is timed from a file in the inbox, before its processes start,
to `completed`. A table and a chart are written to `bench/results/`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import median

import psutil

from bench import peers
from bench.chart import bars
from bench.corpora import SCENES, Corpus, strung_together, synthesised
from bench.figures import machine
from bench.mistakes import mistakes
from stress.watch import reading
from tests.stage import ROOT, Stage
from tests.voices import SAMPLE_RATE_HZ, write_wav
from transcribe_worker.engine.messages import Load
from transcribe_worker.engine.setup import Wishes
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.model_files import BUNDLED, bundled_folder

RESULTS = Path(__file__).parent / "results"
LOOK_SECONDS = 0.05
#: Reading the memory of all processes takes time itself.
LOOK_AT_MEMORY_SECONDS = 0.25
COMPUTE_TYPE = "int8"


@dataclass(frozen=True)
class Run:
    """The result of one program for one recording."""

    seconds: float
    first_words_seconds: float
    peak_bytes: int
    text: str


class Memory:
    """The highest resident memory of processes and all their children."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._processes = [psutil.Process(pid) for pid in pids]
        self.peak_bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_AT_MEMORY_SECONDS):
            self.peak_bytes = max(self.peak_bytes, sum(map(_resident, self._family())))

    def _family(self) -> Iterator[psutil.Process]:
        for process in self._processes:
            try:
                yield from (process, *process.children(recursive=True))
            except psutil.Error:
                continue


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def by_offhook(preset: str, model: Path, recording: Path) -> Run:
    """Time offhook from a file in the inbox to `completed`, with the start of the processes."""
    with tempfile.TemporaryDirectory() as folder:
        stage = _stage(Path(folder), preset, model)
        stage.drop(recording)
        began = time.perf_counter()
        with (
            stage.process("transcribe_worker") as worker,
            stage.process("transcribe_worker.inbox") as inbox,
            Memory([worker.pid, inbox.pid]) as memory,
        ):
            first, ended = _watched(stage)
            record = stage.record(recording.stem)
        assert record
        assert record["status"] == "completed", record
        return Run(ended - began, first - began, memory.peak_bytes, stage.text(record))


def _stage(folder: Path, preset: str, model: Path) -> Stage:
    home = folder / "home"
    (home / "models").mkdir(parents=True)
    (home / "models" / "measured").symlink_to(model, target_is_directory=True)
    settings = {"PRESET": preset, "MODEL": "measured", "COMPUTE_TYPE": COMPUTE_TYPE, "LANGUAGE": "en"}
    (home / "tuning.json").write_bytes(_tuning(model))
    return Stage(home, tuple((f"OFFHOOK_{name}", value) for name, value in settings.items()))


@cache
def _tuning(model: Path) -> bytes:
    """Let a worker measure its tuning once, outside of all runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tuning.json"
        with closing(Engine()) as engine:
            engine.load(Load("measured", model, Wishes(compute_type=COMPUTE_TYPE), tuning=path))
        return path.read_bytes() if path.exists() else b"{}"


def _watched(stage: Stage) -> tuple[float, float]:
    """Return the times of the first words and of the end, from the database."""
    first = 0.0
    while not (stage.home / "offhook.db").exists():
        time.sleep(LOOK_SECONDS)
    with reading(stage.home) as database:
        while True:
            status, windows = _state(database)
            is_over = status in ("completed", "failed")
            first = first or (time.perf_counter() if windows or is_over else 0.0)
            if is_over:
                return first, time.perf_counter()
            time.sleep(LOOK_SECONDS / 2)


def _state(database: sqlite3.Connection) -> tuple[str, int]:
    """Return the state of the only recording, and the number of its windows with words."""
    with contextlib.suppress(sqlite3.OperationalError):  # the tables are still being made
        windows = "SELECT count(*) FROM decoded_windows WHERE segments <> '[]'"
        query = f"SELECT transcription_status, ({windows}) FROM call_records"
        return database.execute(query).fetchone() or ("", 0)
    return "", 0


def by_a_process(command: Callable[[Path, Path, Path], list[str]], model: Path, recording: Path) -> Run:
    """Time a process that prints its text."""
    with tempfile.TemporaryDirectory() as folder:
        began, first, lines = time.perf_counter(), 0.0, []
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1"}
        with (
            subprocess.Popen(
                command(model, recording, Path(folder)),
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            ) as process,
            Memory([process.pid]) as memory,
        ):
            assert process.stdout
            for line in process.stdout:
                first = first or time.perf_counter()
                lines.append(line)
        ended = time.perf_counter()
        assert process.returncode == 0, command(model, recording, Path(folder))
        written = [path.read_text("utf-8") for path in Path(folder).glob("*.txt")]
        return Run(ended - began, first - began, memory.peak_bytes, " ".join(written or lines))


def _cli(batched: bool) -> Callable[[Path, Path, Path], list[str]]:
    return lambda model, recording, output: peers.command_line(model, recording, output, batched=batched)


def _loop(way: str) -> Callable[[Path, Path, Path], list[str]]:
    return lambda model, recording, output: peers.loop(way, model, recording)


CLI, CLI_BATCHED = "whisper-ctranslate2", "whisper-ctranslate2 --batched"
LOOPS = {
    "WhisperModel": "transcribe",
    "WhisperModel, vad_filter": "vad_filter",
    "BatchedInferencePipeline": "batched",
}
WAYS: dict[str, Callable[[Path, Path], Run]] = {
    "offhook careful": partial(by_offhook, "careful"),
    "offhook fast": partial(by_offhook, "fast"),
    CLI: partial(by_a_process, _cli(False)),
    CLI_BATCHED: partial(by_a_process, _cli(True)),
    **{way: partial(by_a_process, _loop(name)) for way, name in LOOPS.items()},
}
HEAD = (
    "| way | × real time: median (min, max) | to the command line | to it with --batched | "
    "wrong % (deleted, inserted, substituted of words) | memory MB | first words s |\n"
    "|---|---|---|---|---|---|---|"
)


def measure(corpus: Corpus, model: Path, ways: Sequence[str], times: int) -> dict[str, list[Run]]:
    """Transcribe a corpus with each program, in turn, several times; the loops once, for their words."""
    runs: dict[str, list[Run]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / f"{corpus.name}.wav"
        write_wav(recording, corpus.samples)
        for turn in range(times):
            for way in [way for way in ways if turn == 0 or way not in LOOPS]:
                runs[way].append(WAYS[way](model, recording))
                print(f"{corpus.name}: {way}: {runs[way][-1].seconds:.1f} s", file=sys.stderr, flush=True)
    return runs


def table(corpus: Corpus, runs: dict[str, list[Run]]) -> str:
    """Format the figures of a corpus as Markdown."""
    length = len(corpus.samples) / SAMPLE_RATE_HZ
    speeds = {way: [length / run.seconds for run in done] for way, done in runs.items()}
    return "\n".join([HEAD, *(_row(corpus, way, runs[way], speeds) for way in runs)])


def _row(corpus: Corpus, way: str, runs: Sequence[Run], speeds: dict[str, list[float]]) -> str:
    own = median(speeds[way])
    ratios = [f"{own / median(speeds[peer]):.2f}" if peer in speeds else "" for peer in (CLI, CLI_BATCHED)]
    wrong = mistakes(corpus.words, runs[0].text)
    errors = (
        f"{100 * wrong.rate:.1f} ({wrong.deleted}, {wrong.inserted}, {wrong.substituted} of {wrong.words})"
    )
    memory = max(run.peak_bytes for run in runs) / 1e6
    first = median(run.first_words_seconds for run in runs)
    spread = f"{own:.1f} ({min(speeds[way]):.1f}, {max(speeds[way]):.1f})"
    return f"| {way} | {spread} | {' | '.join(ratios)} | {errors} | {memory:,.0f} | {first:.1f} |"


def main() -> None:
    options = _options()
    RESULTS.mkdir(exist_ok=True)
    for name, model in _models(options):
        head = f"{machine()}; {COMPUTE_TYPE}; each way {_times(options.times)}, the loops once."
        pages, speeds = [f"# {name}\n\n{head}\n"], {}
        for corpus in _corpora(options):
            runs = measure(corpus, model, options.ways, options.times)
            pages.append(f"## {corpus.name}, {len(corpus.samples) / SAMPLE_RATE_HZ / 60:.0f} minutes\n")
            pages.append(table(corpus, runs) + "\n")
            speeds[corpus.name] = {
                way: median(len(corpus.samples) / SAMPLE_RATE_HZ / r.seconds for r in done)
                for way, done in runs.items()
            }
            (RESULTS / f"{name}.md").write_text("\n".join(pages), "utf-8")
            (RESULTS / f"{name}.svg").write_text(bars(speeds, "× real time"), "utf-8")
        print("\n".join(pages))


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _models(options: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Yield the models to measure, by name."""
    for model in options.model or []:
        yield model.name, model
    if not options.model and (bundled := bundled_folder()):
        yield BUNDLED, bundled


def _corpora(options: argparse.Namespace) -> Iterator[Corpus]:
    yield from (synthesised(name, options.minutes) for name in options.scenes)
    if options.audio:
        yield strung_together(options.audio, options.references, times=options.again)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=20.0, help="length of a synthesised call")
    parser.add_argument("--times", type=int, default=3, help="how often each way but the loops is measured")
    parser.add_argument("--scenes", nargs="*", choices=SCENES, default=list(SCENES))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument(
        "--model", type=Path, nargs="+", help="folders of models (default: the bundled tiny.en)"
    )
    parser.add_argument("--audio", type=Path, help="a folder of recordings, to be strung together")
    parser.add_argument("--references", type=Path, help="a line each: file name, tab, words")
    parser.add_argument("--again", type=int, default=1, help="how often that folder is gone through")
    return parser.parse_args()


if __name__ == "__main__":
    main()
