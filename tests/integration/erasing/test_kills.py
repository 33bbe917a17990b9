"""A deletion that is killed at any step is finished, or has not begun."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from archive.library import Library
from shared import home as folders
from shared.settings import Settings
from shared.store.captures import RECORDING
from shared.store.store import Store
from tests.integration.erasing.calls import CANDIDATE, FORGOTTEN, TITLE, dead_capture, notes, the_call
from tests.remains import remains
from tests.stage import ROOT, Stage
from tests.tables import (
    Capture,
    InboxFile,
    Record,
    use,
)
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import Sweeper

KILLED = 15 if os.name == "nt" else -9


#: Runs the command line and dies just before the step whose number comes first: a change to the file system,
#: or a statement that ends a transaction or scrubs.
MORTAL = """
import os, signal, sys
from peewee import SqliteDatabase
from offhook.cli import main

left = int(sys.argv[1])
plain = SqliteDatabase.execute_sql

def step(what):
    global left
    if left == 0:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    left -= 1

def notice(event, arguments):
    if event in ("os.remove", "os.rename"):
        step(event)

def execute_sql(self, sql, *arguments, **options):
    if sql.split()[0] in ("VACUUM", "DELETE") or "optimize" in sql or "TRUNCATE" in sql:
        step(sql)
    return plain(self, sql, *arguments, **options)

plain_commit = SqliteDatabase.commit

def commit(self):
    step("COMMIT")
    return plain_commit(self)

SqliteDatabase.execute_sql, SqliteDatabase.commit = execute_sql, commit
sys.addaudithook(notice)
main(sys.argv[2:])
"""


@pytest.fixture(scope="module")
def doomed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a call in the library, one that a dead recorder has left, and others."""
    settings = Settings(home=tmp_path_factory.mktemp("doomed") / "home")
    folders.prepare(settings)
    with use(Store.open(settings.database_file)) as store:
        the_call(settings, store, others=2)
        dead_capture(settings, store.captures, RECORDING)
        paths = [
            (Record, Record.recording_path),
            (InboxFile, InboxFile.path),
            (Capture, Capture.recording_path),
        ]
        assert all(model.select().where(path.contains(str(settings.home))).exists() for model, path in paths)
    return settings.home


@pytest.mark.timeout(600)
@pytest.mark.parametrize("finisher", ["the sweeper", "another try"])
@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.long)])
def test_a_command_that_is_killed_at_any_step_is_finished_or_has_not_begun(
    doomed: Path, finisher: str, every: int
) -> None:
    """Absolute paths stand in the database, so the home is put back where it was made."""
    kept = doomed.with_name("kept")
    if not kept.exists():
        shutil.copytree(doomed, kept)
    settings, command = Settings(home=doomed), ["delete", "--candidate", CANDIDATE, "--yes"]
    begun: list[bool] = []  # whether something was left to be done, death by death
    for step in range(0, 200, every):
        shutil.rmtree(doomed)
        shutil.copytree(kept, doomed)
        died = subprocess.run(
            [sys.executable, "-c", MORTAL, str(step), *command],
            env=Stage(doomed).environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if died.returncode != KILLED:
            break
        with use(Store.open(settings.database_file)) as store:
            begun.append(bool(notes()))
            if finisher == "the sweeper":
                with closing(HintQueue(settings.queue)) as hints:
                    Sweeper(settings, store, hints, Library(settings, store)).sweep()
            else:
                done = Stage(doomed).offhook(*command)
                assert done.returncode == 0, (step, done.stderr)
            assert notes() == [], step
            left = Record.select().where(Record.candidate_id == CANDIDATE).count()
            captures = Capture.select().where(Capture.candidate_id == CANDIDATE).count()
            assert Record.select().count() == 4 + left
        parts = list((doomed / "recording").iterdir())
        if left:  # it died before it had begun: nothing is lost
            assert (left, captures, len(parts)) == (1, 2, 1), step
            assert finisher == "the sweeper"
            assert len(list(doomed.rglob(f"{TITLE}*"))) == 6
        else:
            assert (captures, parts, remains(doomed, FORGOTTEN)) == (0, [], set()), step
            assert_receipts_are_true(doomed, finished=begun[-1])
    assert died.returncode == 0, died.stderr
    assert begun.count(True) > 15 // every
    assert begun.count(False) >= 1


def assert_receipts_are_true(home: Path, finished: bool) -> None:
    found = [json.loads(path.read_text()) for path in (home / "receipts").glob("erasure-*.json")]
    assert found
    assert any(receipt["finished_at"] for receipt in found)
    assert not finished or all(receipt["finished_at"] for receipt in found)
