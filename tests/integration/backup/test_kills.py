"""A backup or a restore that is killed at any step."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forks import Forks, forks
from tests.integration.backup.homes import POSIX_ONLY, Home, assert_restored, bring_back

# Runs a command and kills it just before a step: a change to the file system below a folder.
MORTAL = """
import os, signal, sys
from offhook.cli import main

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.utime", "sqlite3.connect"}
left, below = int(sys.argv[1]), sys.argv[2]

def notice(event, arguments):
    global left
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if (writes or event in CHANGES) and str(arguments[0]).startswith(below):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

sys.addaudithook(notice)
main(sys.argv[3:])
"""


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Forks]:
    """Processes that can be killed at a step; each is a fork of one that has imported the commands."""
    imports = "import offhook.cli, offhook.commands.backup"
    with forks(MORTAL, imports, tmp_path / "mortal") as mortal:
        yield mortal


def die_at(mortal: Forks, step: int, below: Path, home: Path, *arguments: object) -> bool:
    """Run a command that is killed before a step; False if there were not so many."""
    done = mortal.run(step, below, "--home", home, *arguments)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@POSIX_ONLY
def test_a_backup_that_is_killed_at_any_step_leaves_nothing_that_looks_finished(
    full: Home, mortal: Forks, tmp_path: Path
):
    full.close()
    folder, steps = tmp_path / "backups", 0
    while die_at(mortal, steps, folder, full.settings.home, "backup", folder):
        steps += 1
        finished = [path for path in folder.glob("offhook-backup-*") if path.suffix != ".part"]
        for path in finished:  # killed behind the last step of all
            bring_back(path, tmp_path / f"restored {steps}")
            shutil.rmtree(path)

    assert steps > 20
    (path,) = folder.glob("offhook-backup-*")
    assert path.suffix != ".part"
    assert len(list((path / "inbox").iterdir())) == 4


@POSIX_ONLY
def test_a_restore_that_is_killed_at_any_step_leaves_no_recording_and_can_be_run_again(
    backup: Path, mortal: Forks, tmp_path: Path
):
    new, steps = tmp_path / "new", 0
    while die_at(mortal, steps, new, new, "restore", backup):
        steps += 1
        if (new / "offhook.db").exists():  # the last step that counts is done
            break

    assert steps > 40
    if not (new / "offhook.db").exists():
        pytest.fail("it was never killed behind its last step")
    assert_restored(new)
    for step in (0, steps // 4, steps // 2, steps - 8, steps - 2):
        shutil.rmtree(new)
        assert die_at(mortal, step, new, new, "restore", backup)
        assert not (new / "offhook.db").exists(), step
        bring_back(backup, new)
        assert_restored(new)
        assert not (new / "restore.part").exists()
