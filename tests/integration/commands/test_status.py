"""`offhook status`."""

from __future__ import annotations

import subprocess
import sys

from shared.settings import Settings
from shared.store.store import Store
from tests.integration.commands.calling import Cli, one_in_each_state
from tests.stage import Stage

HEAVY = ("numpy", "faster_whisper", "ctranslate2", "av", "huey", "soxr", "onnxruntime", "watchdog")


def test_status_shows_what_runs_waits_and_went_wrong(cli: Cli, store: Store) -> None:
    one_in_each_state(store)
    out = cli("status").out
    for part in (
        "1 queued   1 processing   1 completed   1 failed   1 cancelled",
        "oldest waiting: 5 queued",
        "4  processing",
        "No worker runs, so nothing is transcribed. Start one: python start.py",
        "2 failed (failed): failed.wav is empty (0 bytes).",
    ):
        assert part in out


def test_status_does_not_watch_a_pipe(cli: Cli) -> None:
    done = cli("status", "--watch")
    assert (done.code, done.out) == (1, "")
    assert "--json" in done.err


def test_status_loads_nothing_heavy(settings: Settings) -> None:
    at_the_end = "import atexit, sys; atexit.register(lambda: print(*sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{at_the_end}; from offhook.cli import main; main()", "status"],
        capture_output=True,
        text=True,
        env=Stage(settings.home).environment,
    )
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert {"peewee", "rich"} <= loaded
    assert loaded.isdisjoint(HEAVY), loaded.intersection(HEAVY)
