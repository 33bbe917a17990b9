"""Measures offhook with 100,000 recordings and 2,000,000 segments: `python -m bench.scale`.

Fills a home, which takes minutes; `--home` keeps it for the next run. Commands are timed as whole processes,
in turn with those of an empty home and with a Python that imports nothing. Everything else is timed within
this process. The page is written to `bench/results/scale.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from bench.archive import Size, fill, vocabulary
from bench.claiming import WORKERS, claim_all
from bench.figures import machine, percentile
from bench.looks import at_work, look, milliseconds
from offhook.desk.desk import Desk
from offhook.desk.searching import Wanted, find
from shared.settings import Settings
from shared.store.store import Store
from shared.store.transitions import COMPLETED, QUEUED
from tests.tables import Record, use

RESULTS = Path(__file__).parent / "results"
#: Marks a finished home; only a home with this file is measured.
MADE = "bench-scale.json"
PROCESS_GOAL_MS, SEARCH_GOAL_MS, LOOK_GOAL_MS = 250.0, 100.0, 300.0
LIMIT = 20
HEAD = "| | p50 ms | p95 ms | goal ms |\n|---|---|---|---|"


@dataclass(frozen=True)
class Figure:
    """The times of a measurement, and its goal."""

    name: str
    milliseconds: Sequence[float]
    goal_ms: float | None = None

    def row(self) -> str:
        """Format the figure as a row of a table."""
        p50, p95 = (percentile(self.milliseconds, percent) for percent in (50, 95))
        goal = f"{self.goal_ms:.0f}" if self.goal_ms else ""
        return f"| {self.name} | {p50:.2f} | {p95:.2f} | {goal} |"


def main() -> None:
    options = _options()
    size = Size(options.records, options.segments, options.files)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=(options.home or Path(folder, "full")).absolute())
        made(settings, size)
        empty = Settings(home=Path(folder, "empty"))
        fill(empty, Size(0, 0, 0))
        text = page(settings, empty, size, options.times)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scale.md").write_text(text, "utf-8")
    print(text)


def made(settings: Settings, size: Size) -> None:
    """Fill a home of this size, unless it is one already."""
    mark = settings.home / MADE
    if mark.exists():
        if json.loads(mark.read_text("utf-8")) != asdict(size):
            sys.exit(f"{settings.home} has another size: {mark.read_text('utf-8')}")
        return
    if settings.home.exists() and any(settings.home.iterdir()):
        sys.exit(f"{settings.home} was not made to be measured, or not finished. Give an empty folder.")
    fill(settings, size)
    mark.write_text(json.dumps(asdict(size)), "utf-8")


def page(settings: Settings, empty: Settings, size: Size, times: int) -> str:
    """Measure everything this many times; return Markdown."""
    sections = {
        "Commands, as whole processes": processes(settings, empty, times),
        "Search, in process": searches(settings, times),
        "Search by more than words, in process": narrowed(settings, times),
        f"Looks at {size.files:,} known files": looks(settings, times),
    }
    tables = (
        f"## {title}\n\n{HEAD}\n" + "\n".join(figure.row() for figure in found) + "\n"
        for title, found in {**sections, **claims(settings)}.items()
    )
    counts = f"{size.records:,} recordings, {size.segments:,} segments, {size.files:,} files"
    return f"# Scale\n\n{machine()}; {counts}; {times} times each.\n\n" + "\n".join(tables)


def processes(settings: Settings, empty: Settings, times: int) -> list[Figure]:
    """Time commands in turns, each as its own process."""
    words = vocabulary()
    commands = {
        "python -c pass": ([sys.executable, "-c", "pass"], empty, None),
        "status, empty home": (offhook("status"), empty, PROCESS_GOAL_MS),
        "list, empty home": (offhook("list"), empty, PROCESS_GOAL_MS),
        "status": (offhook("status"), settings, PROCESS_GOAL_MS),
        "status --json": (offhook("status", "--json"), settings, PROCESS_GOAL_MS),
        "list": (offhook("list"), settings, PROCESS_GOAL_MS),
        "list --json": (offhook("list", "--json"), settings, PROCESS_GOAL_MS),
        "list --status completed": (offhook("list", "--status", COMPLETED), settings, PROCESS_GOAL_MS),
        "search, a common word": (offhook("search", words[0]), settings, None),
        "search, a rare word": (offhook("search", words[-1]), settings, None),
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    store = use(Store.of_home(settings))
    with at_work(settings, store):
        for run in range(times + 1):
            for name, (command, place, _) in commands.items():
                taken = _timed(command, place)
                found[name] += [taken] if run else []  # the first warms the caches
    store.disconnect()
    return [Figure(name, found[name], goal) for name, (_, _, goal) in commands.items()]


def offhook(*arguments: str) -> list[str]:
    """Return the command line as the installed `offhook` runs it."""
    return [sys.executable, "-c", "from offhook.cli import main; main()", *arguments]


def _timed(command: Sequence[str], place: Settings) -> float:
    environment = {**os.environ, "OFFHOOK_HOME": str(place.home)}
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000


def searches(settings: Settings, times: int) -> list[Figure]:
    """Time easy and hard searches; a word with a hyphen is a phrase."""
    words = vocabulary()
    asked = {
        "a common word": words[0],
        "a rare word": words[-1],
        "two common words": f"{words[0]} {words[1]}",
        "a common and a rare word": f"{words[0]} {words[-1]}",
        "two words that seldom meet": f"{words[800]} {words[801]}",
        "a phrase of two common words": f"{words[5]}-{words[0]}",
        "a phrase of two words that seldom meet": f"{words[100]}-{words[101]}",
        "a word that nobody said": "Zwetschgenmann",
        "a beginning of one letter": "t*",
        "a beginning of two letters": "th*",
        "a beginning of three letters, a common word's": f"{words[0]}*",
        "another one": "com*",
        "a long beginning": "experie*",
        "two beginnings": "wh* th*",
    }
    store = use(Store.of_home(settings))
    found = []
    for name, typed in asked.items():
        hits = len(store.transcripts.search(typed, LIMIT))
        taken = milliseconds(times, partial(store.transcripts.search, typed, LIMIT))
        found.append(Figure(f"{name} (`{typed}`, {hits} of at most {LIMIT} hits)", taken, SEARCH_GOAL_MS))
    store.disconnect()
    return found


def narrowed(settings: Settings, times: int) -> list[Figure]:
    """Time searches by speaker, candidate, project and day, for a common word and for a rare one."""
    common, rare = vocabulary()[0], vocabulary()[-1]
    now = datetime.now()
    asked: dict[str, tuple[str, Wanted]] = {
        "anybody": (common, Wanted()),
        "said by me": (common, Wanted(speaker="me")),
        "a rare word, said by me": (rare, Wanted(speaker="me")),
        "said by somebody with a name": (common, Wanted(speaker="Person 51")),
        "said by nobody": (common, Wanted(speaker="voice 9")),
        "a candidate": (common, Wanted(candidate_id="C-17")),
        "a candidate, said by them": (common, Wanted(candidate_id="C-17", speaker="them")),
        "a project": (common, Wanted(project_id="P-3")),
        "a rare word in a project": (rare, Wanted(project_id="P-3")),
        "the last month": (common, Wanted(since=now - timedelta(days=30))),
        "up to four years ago": (common, Wanted(until=now - timedelta(days=4 * 365))),
        "a rare word up to four years ago": (rare, Wanted(until=now - timedelta(days=4 * 365))),
    }
    found = []
    with Desk({"home": str(settings.home)}) as desk:
        for name, (typed, wanted) in asked.items():
            hits = len(find(desk, typed, LIMIT, wanted))
            taken = milliseconds(times, partial(find, desk, typed, LIMIT, wanted))
            found.append(Figure(f"{name} (`{typed}`, {hits} of at most {LIMIT} hits)", taken, SEARCH_GOAL_MS))
    return found


def looks(settings: Settings, times: int) -> list[Figure]:
    """Time the regular sweeps over known files and recordings."""
    store = use(Store.of_home(settings))
    with at_work(settings, store):
        found = look(settings, store, times)
    store.disconnect()
    return [Figure(name, taken, LOOK_GOAL_MS) for name, taken in found.items()]


def claims(settings: Settings) -> dict[str, list[Figure]]:
    """Let four processes claim every queued recording at once."""
    store = use(Store.of_home(settings))
    waiting = Record.select(Record.id).where(Record.transcription_status == QUEUED).order_by(Record.id)
    record_ids = [row.id for row in waiting]
    store.disconnect()
    found = claim_all(settings, record_ids)
    counts = Counter(record_id for each in found for record_id in each.record_ids)
    assert counts == Counter(record_ids), "each is claimed exactly once"
    title = f"{WORKERS} processes claim the same {len(record_ids):,} recordings, each of which went to one"
    return {
        title: [
            Figure("a claim", [taken for each in found for taken in each.won]),
            Figure("a try that comes too late", [taken for each in found for taken in each.lost]),
        ]
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000, help="how many recordings there are")
    parser.add_argument("--segments", type=int, default=2_000_000, help="how many segments they have in all")
    parser.add_argument(
        "--files", type=int, default=50_000, help="how many files the inbox has, and the month"
    )
    parser.add_argument("--times", type=int, default=20, help="how often each is measured")
    parser.add_argument(
        "--home", type=Path, help="make the home here and keep it, or take the one made before"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
