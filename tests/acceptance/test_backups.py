"""Backups of a home in which everything runs, and a life that goes on from one."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shared.files import sha256_of
from tests import looks
from tests.conftest import skip_or_fail
from tests.stage import ROOT, Stage
from tests.voices import SAMPLE_RATE_HZ, Call
from transcribe_worker.model_files import bundled_folder

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
BACKUPS, DROPS, MORE_DROPS = 5, 9, 12


@pytest.fixture(autouse=True)
def model() -> None:
    if bundled_folder() is None:
        skip_or_fail("the model tiny.en is not installed")


def part_of(call: Call, number: int) -> Call:
    """A short call unlike any other."""
    start = number * SAMPLE_RATE_HZ
    return Call(call.samples[start : start + 3 * SAMPLE_RATE_HZ], (), ())


def faults_of(backup: Path) -> list[str]:
    """In what a backup is not whole: every record has its very file in it, or is listed."""
    manifest = json.loads((backup / "manifest.json").read_text("utf-8"))
    listed = {entry["record_id"] for entry in manifest["missing"]}
    with closing(sqlite3.connect(f"file:{backup / 'offhook.db'}?immutable=1", uri=True)) as store:
        rows = store.execute("SELECT id, recording_path, sha256 FROM call_records").fetchall()
        faults = [str(row) for row in store.execute("PRAGMA integrity_check") if row != ("ok",)]
    for record_id, path, sha256 in rows:
        copied = backup / Path(path).relative_to(manifest["home"])
        if record_id not in listed and (not copied.exists() or sha256_of(copied) != sha256):
            faults.append(path)
    return faults + [entry["path"] for entry in manifest["missing"]]


def test_backups_are_whole_while_recordings_are_dropped_transcribed_and_moved(
    stage: Stage, call: Call, tmp_path: Path
) -> None:
    made: list[dict[str, Any]] = []
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox"):
        for number in range(DROPS):
            stage.drop_call(part_of(call, number), f"call {number}.wav")
            if number == DROPS - BACKUPS:
                stage.finished("call 0")  # so that the first one is made with some done and some not
            if number >= DROPS - BACKUPS:
                made.append(stage.read("backup", tmp_path / "backups"))
        for number in range(DROPS):
            assert stage.finished(f"call {number}")["status"] == "completed"
        made.append(stage.read("backup", tmp_path / "backups"))

    assert {Path(backup["path"]): faults_of(Path(backup["path"])) for backup in made} == {
        Path(backup["path"]): [] for backup in made
    }
    assert any(0 < backup["counts"]["completed"] < DROPS for backup in made)
    assert made[-1]["counts"]["completed"] == DROPS


def test_a_home_restored_elsewhere_goes_on_where_the_backup_was_made(
    stage: Stage, piece: Call, tmp_path: Path
) -> None:
    stage.drop_call(part_of(piece, 3), "before.wav")
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox"):
        before = stage.finished("before")
        stage.drop_call(piece, "long.wav")
        stage.half_done("long")
        backup = stage.read("backup", tmp_path / "backups")
    old_text = stage.offhook("show", str(before["id"]), "--format", "txt").stdout
    stage.home.rename(tmp_path / "gone")
    assert (backup["counts"]["processing"], backup["missing"]) == (1, [])

    new = Stage(tmp_path / "elsewhere" / "home")
    restored = new.read("restore", backup["path"])
    assert (restored["home"], restored["queued_again"]) == (str(new.home), 1)
    long = new.record("long")
    assert long is not None
    assert (long["status"], long["attempts"]) == ("queued", 0)
    assert long["progress"] > 0.2

    with new.process("transcribe_worker"), new.process("transcribe_worker.inbox"):
        done = new.finished("long")
        new.wait_for(lambda: not any(new.inbox.iterdir()), "the library")
    assert (done["status"], done["attempts"]) == ("completed", 1)
    assert {record["title"] for record in new.records()} == {"before", "long"}
    assert new.offhook("show", str(before["id"]), "--format", "txt").stdout == old_text
    word = max(old_text.replace(".", "").replace(",", "").split(), key=len)
    assert before["id"] in {hit["record_id"] for hit in new.read("search", word)["hits"]}
    assert new.read("search", "warehouse")["hits"]
    again = new.read("backup", tmp_path / "backups")
    assert faults_of(Path(again["path"])) == []
    assert again["counts"]["completed"] == 2


def killed_in_a_backup(stage: Stage, folder: Path, late_seconds: float) -> bool:
    """Kill a backup so long after it has begun to write; False if it was faster."""
    command = [sys.executable, "-m", "offhook", "backup", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, env=stage.environment) as backing_up:
        while backing_up.poll() is None and not list(folder.glob("*.part")):
            time.sleep(0.001)
        time.sleep(late_seconds)
        backing_up.kill()
    return backing_up.returncode != 0


@POSIX_ONLY
def test_a_backup_that_is_killed_while_everything_runs_costs_nothing(
    stage: Stage, call: Call, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    for number in range(MORE_DROPS):
        stage.drop_call(part_of(call, number), f"call {number}.wav")
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox"):
        stage.wait_for(lambda: len(looks.titles(stage.database)) == MORE_DROPS, "all to be queued")
        kills = sum(killed_in_a_backup(stage, folder, late_seconds=number / 100) for number in range(6))
        for path in folder.glob("offhook-backup-*[0-9]"):  # it was faster
            assert faults_of(path) == []
        done = stage.read("backup", folder)
        for number in range(MORE_DROPS):
            assert stage.finished(f"call {number}")["status"] == "completed"

    assert kills
    assert faults_of(Path(done["path"])) == []
    assert list(folder.glob("*.part")) == []
