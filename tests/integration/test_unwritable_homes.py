"""What is there can be read and deleted on a full disk, and read without the right to write."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.disks import MODES_COUNT, full, small_disk
from tests.stage import Stage
from tests.voices import Call, write_wav

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs mounts and the modes of files")
READING = (("status",), ("list",), ("show", "1"), ("search", "anything"), ("config",), ("models", "list"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def with_two_calls(home: Path, call: Call) -> Stage:
    """A home with two recordings in its inbox."""
    stage = Stage(home)
    stage.inbox.mkdir(parents=True)
    for name in ("one", "two"):
        write_wav(stage.inbox / f"{name}.wav", call.samples[: 16_000 if name == "one" else 32_000])
        assert stage.offhook("add", stage.inbox / f"{name}.wav").returncode == 0
    return stage


def can_be_read(stage: Stage) -> None:
    """Run the commands that read."""
    for command in READING:
        done = stage.offhook(*command)
        assert (command, done.returncode, done.stderr) == (command, 0, done.stderr), done.stderr
    assert [record["title"] for record in stage.records()] == ["one", "two"]
    advice = stage.offhook("doctor").stdout
    assert "offhook.db is sound" in advice
    assert "move it away" not in advice


def test_a_full_disk_keeps_nobody_from_reading_and_deleting(disk: Path, short_call: Call) -> None:
    stage = with_two_calls(disk / "home", short_call)
    with full(disk):
        can_be_read(stage)
        refused = stage.offhook("cancel", "1")
        assert refused.returncode == 1
        assert "Make room and try again." in refused.stderr
        assert stage.offhook("delete", "1", "--yes").returncode == 0
        assert [record["title"] for record in stage.records()] == ["two"]
        assert [path.name for path in stage.inbox.iterdir()] == ["two.wav"]
    assert stage.offhook("delete", "2", "--yes").returncode == 0
    assert stage.records() == []


def without_rights(stage: Stage) -> Stage:
    """The same home for somebody who may not write to it."""
    launcher = MODES_COUNT if os.geteuid() == 0 else ()
    if launcher and shutil.which(launcher[0]) is None:
        skip_or_fail("needs setpriv, for root may do everything")
    return replace(stage, launcher=launcher)


@pytest.mark.parametrize("log", ["none", "left over"])
def test_a_home_that_cannot_be_written_can_be_read(tmp_path: Path, short_call: Call, log: str) -> None:
    stage = without_rights(with_two_calls(tmp_path / "home", short_call))
    path = stage.home / "offhook.db"
    if log == "left over":
        with closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE call_records SET project_id = 'in the log' WHERE id = 1")
            database.commit()
            kept = {file: file.read_bytes() for file in stage.home.glob("offhook.db*")}
        for file, content in kept.items():
            file.write_bytes(content)
        path.with_name("offhook.db-shm").unlink()
    folders = [stage.home, *(folder for folder in stage.home.rglob("*") if folder.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    path.chmod(0o400)
    try:
        can_be_read(stage)
        assert stage.records()[0]["project_id"] == (None if log == "none" else "in the log")
        refused = stage.offhook("cancel", "1")
        assert refused.returncode == 1
        assert "cannot be" in refused.stderr
        assert "fault in offhook" not in refused.stderr
    finally:
        for folder in folders:
            folder.chmod(0o700)
