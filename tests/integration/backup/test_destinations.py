"""Where a backup is written, and the places that are refused."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from archive.backup.copying import CannotBackUp
from archive.backup.make import LOCK, back_up
from tests.conftest import skip_or_fail
from tests.integration.backup.homes import (
    POSIX_ONLY,
    Home,
    assert_whole,
    files,
    offhook_with_files_of_at_most,
    silent,
)

MEMORY = Path("/dev/shm")


@POSIX_ONLY
def test_a_disk_that_fills_while_the_database_is_copied_is_named_and_leaves_no_backup(
    home: Home, tmp_path: Path
):
    """No room is left in the middle of the copy: the room that was there when it began has gone since."""
    home.close()
    arguments = ["--home", home.settings.home, "backup", tmp_path / "backups"]

    done = offhook_with_files_of_at_most(40_000, *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"offhook: {home.settings.database_file} cannot be copied to {tmp_path}")
    assert files(tmp_path / "backups") == {LOCK}


@pytest.mark.parametrize("where", [".", "backups", "inbox/backups"])
def test_a_backup_into_the_home_itself_is_refused(home: Home, where: str):
    with pytest.raises(CannotBackUp, match="Choose a folder outside"):
        home.back_up(home.settings.home / where)

    assert not (home.settings.home / where / LOCK).exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows lets not everybody make links")
def test_a_backup_into_the_home_by_another_name_is_refused(home: Home, tmp_path: Path):
    (tmp_path / "link").symlink_to(home.settings.home)

    with pytest.raises(CannotBackUp):
        home.back_up(tmp_path / "link" / "backups")


def test_two_backups_at_once_into_one_folder_do_not_take_each_other_for_left_over(home: Home, tmp_path: Path):
    other = Home(tmp_path / "other home")
    refused: list[object] = []

    def begin_another() -> None:
        with pytest.raises(CannotBackUp, match="Another backup") as caught:
            back_up(other.settings, other.store, tmp_path / "backups", silent)
        refused.append(caught.value)

    backup = home.back_up(tmp_path / "backups", lambda *_: begin_another() if not refused else None)

    assert refused
    assert_whole(backup)
    other.close()


def test_a_backup_for_which_there_is_no_room_is_refused_before_it_fills_the_disk(home: Home, tmp_path: Path):
    record = home.queued("huge")
    home.store.records.note_move(record.id, record.recording_path, {"size_bytes": 2**60})

    with pytest.raises(CannotBackUp, match="MB are needed"):
        home.back_up(tmp_path / "backups")

    assert {path.name for path in (tmp_path / "backups").iterdir()} == {LOCK}


@pytest.mark.skipif(not MEMORY.is_dir(), reason="only Linux has a disk in memory")
def test_room_for_a_recording_that_runs_is_left_on_its_own_disk_and_on_no_other(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home.queued("call")
    if MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        skip_or_fail("needs a second file system")
    monkeypatch.setattr("archive.backup.make.SPARE_BYTES", 2**60)
    with pytest.raises(CannotBackUp, match="MB are needed"):
        home.back_up(tmp_path / "backups")
    with tempfile.TemporaryDirectory(dir=MEMORY) as stick:
        assert_whole(home.back_up(Path(stick)))
