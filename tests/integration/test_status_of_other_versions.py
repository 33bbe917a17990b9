"""`offhook status` while a worker of another version runs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from shared.locks import FileLock
from tests.stage import Stage
from transcribe_worker.engine.setup import Setup

SETUP = Setup("cpu", "int8", 2, 1, 8)
LATER = json.dumps({"version": 1, "setups": [asdict(SETUP) | {"watts": 15}], "heat": 3})


@pytest.mark.parametrize(
    ("engines", "shown"),
    [
        (LATER, True),
        (json.dumps([asdict(SETUP)]), True),
        ("[{}]", False),
        ('{"version": 9}', False),
        ("x", False),
    ],
    ids=["later", "earlier", "missing fields", "another version", "garbage"],
)
def test_status_answers_whatever_a_worker_says_of_its_engines(
    tmp_path: Path, engines: str, shown: bool
) -> None:
    stage = Stage(tmp_path / "home")
    assert stage.read("status")["workers"] == []
    lock = FileLock(stage.home / "locks" / "worker-0123456789ab.lock")
    lock.acquire()
    with closing(sqlite3.connect(stage.home / "offhook.db")) as database, database:
        row = ("worker-0123456789ab", "worker", 1, "ready", 1.0, 1.0, engines)
        columns = "id, kind, pid, state, started_at, last_seen_at, engines"
        database.execute(f"INSERT INTO workers ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    (worker,) = stage.read("status")["workers"]
    done = stage.offhook("status")
    lock.release()
    assert (worker["alive"], worker["engines"]) == (True, [asdict(SETUP)] if shown else [])
    assert (done.returncode, SETUP.in_words() in done.stdout) == (0, shown)
