"""A worker that is killed while it replaces a transcript loses nothing of what a person put right."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.store.store import Store
from tests.stage import ROOT
from tests.tables import use

COMPLETES = """
import os, signal, sys
from pathlib import Path
from shared.store.sqlite.database import SqliteDatabase
from shared.store.store import Store
from shared.words import Segment, Word

store = Store.open(Path(sys.argv[1]))
left, run = int(sys.argv[2]), SqliteDatabase.run
claim = store.claims.claim(1, worker_id="w", model="m", lease_seconds=60)
words = [Word(300 * n, 300 * n + 250, f" {it}", 0.9) for n, it in enumerate("this is Ada loveless".split())]

def dying(self, query):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return run(self, query)

SqliteDatabase.run = dying
store.claims.complete(claim, [Segment(0, 1200, "this is Ada loveless", tuple(words))])
print("completed")
"""


def run(code: str, path: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, str(path), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_death_before_any_statement_of_a_new_transcript_keeps_every_correction(tmp_path: Path) -> None:
    path = tmp_path / "offhook.db"
    with Store.open(path) as store:
        record = store.records.add(source="inbox", title="call", recording_path="/call.wav")
    assert run(COMPLETES, path, 10_000).stdout == "completed\n"
    deaths = 0
    while True:
        with use(Store.open(path)) as store:
            with store.edits.change(record.id, "edit"):
                store.overlays.correct(record.id, 2, 3, "Ada Lovelace")
                store.overlays.correct(record.id, 0, 0, f"That{deaths}")
            store.records.requeue(record.id)
        done = run(COMPLETES, path, deaths)
        with use(Store.open(path)) as store:
            texts = sorted(it.text for it in store.overlays.corrections(record.id))
            assert texts == ["Ada Lovelace", f"That{deaths}"], deaths
            assert store.carrying.unplaced(record.id) == ()
            assert [hit.text for hit in store.transcripts.search("lovelace", 9)] == [
                f"That{deaths} is Ada Lovelace"
            ]
            if done.returncode == 0:
                break
            assert done.returncode == -signal.SIGKILL, done.stderr
            store.records.cancel(record.id)
        deaths += 1
    assert deaths >= 10
