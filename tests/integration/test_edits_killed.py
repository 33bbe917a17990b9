"""A worker that is killed while it replaces a transcript loses nothing of what a person put right."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store.store import Store
from tests.integration.commands.spoken import spoken
from tests.stage import ROOT, Stage
from tests.tables import use

COMPLETES = """
import sys
from pathlib import Path
from shared.store.store import Store
from shared.words import Segment, Word
from tests.deaths import die_before_statement

store = Store.open(Path(sys.argv[1]))
claim = store.claims.claim(1, worker_id="w", model="m", lease_seconds=60)
words = [Word(300 * n, 300 * n + 250, f" {it}", 0.9) for n, it in enumerate("this is Ada loveless".split())]

die_before_statement(int(sys.argv[2]))
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


KILLS_OFFHOOK = """
import os, signal, sys
from pathlib import Path
path = Path(sys.argv[-1])
path.write_text(path.read_text("utf-8").replace("Aida", "Ada"), "utf-8")
os.kill(os.getppid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_an_edit_whose_command_is_killed_goes_on_with_the_text_that_was_saved(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    spoken(settings, store)
    (tmp_path / "kills.py").write_text(KILLS_OFFHOOK)
    (tmp_path / "leaves.py").write_text("")
    stage = Stage(settings.home)

    def edit(script: str) -> subprocess.CompletedProcess[str]:
        editor = shlex.join([sys.executable, str(tmp_path / script)])
        return stage.offhook("edit", "1", env={**stage.environment, "EDITOR": editor})

    assert edit("kills.py").returncode == -signal.SIGKILL
    assert "Aida" in stage.offhook("show", "1", "--format", "txt").stdout
    assert "1 place corrected" in edit("leaves.py").stdout
    assert "Ada loveless" in stage.offhook("show", "1", "--format", "txt").stdout
