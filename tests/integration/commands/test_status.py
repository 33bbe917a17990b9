"""`offhook status`."""

from __future__ import annotations

import json
import subprocess
import sys

from shared.settings import Settings
from shared.store.store import Store
from tests.integration.commands.calling import Cli, one_in_each_state
from tests.live_calls import Decoder
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


def test_status_names_a_call_that_is_transcribed_live_and_what_waits_for_it(
    cli: Cli, settings: Settings, store: Store
) -> None:
    one_in_each_state(store)
    session = {"title": "Ms. Okafor", "layout": "mono", "worker_id": "capture-0", "started_at": 1.0}
    store.captures.begin("0-0", settings.inbox / "call.wav", **session)
    decoder = Decoder.of(store, "0-0")
    decoder.guess(0.0, 93.0, (" Hello", "me"), behind_seconds=12.4)
    out = cli("status").out
    assert "transcribed live: Ms. Okafor, 1:33 heard, behind by 12 s" in out
    assert "1 queued recording waits for it (setting live_queue)" in out
    (call,) = json.loads(cli("status", "--json").out)["live"]
    assert (call["session_id"], call["queue_waits"], call["yields"]) == ("0-0", True, None)
    decoder.end()
    assert "transcribed live" not in cli("status").out


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
