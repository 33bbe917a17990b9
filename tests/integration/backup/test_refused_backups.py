"""A backup that is damaged or made up is refused, and nothing is restored."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archive.backup.manifest import BadBackup
from tests.integration.backup.homes import (
    POSIX_ONLY,
    bring_back,
    files,
    offhook,
    offhook_with_files_of_at_most,
    seal,
)


def change(path: Path) -> None:
    """Change one bit; size and time stay."""
    content, times = bytearray(path.read_bytes()), path.stat()
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("happens", [change, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_file_that_was_manipulated_is_named_and_nothing_is_restored(
    backup: Path, tmp_path: Path, happens: Callable[[Path], object]
):
    names = sorted(files(backup) - {"manifest.json"})
    for name in names:
        copy = tmp_path / "copy"
        shutil.copytree(backup, copy)
        happens(copy / name)

        with pytest.raises(BadBackup) as caught:
            bring_back(copy, tmp_path / "new")

        assert name in str(caught.value)
        assert not (tmp_path / "new").exists()
        shutil.rmtree(copy)


@pytest.mark.parametrize(
    "damage",
    [
        lambda found: found.clear(),
        lambda found: found.pop("files"),
        lambda found: found["files"].pop("offhook.db"),
        lambda found: found["files"].update({"../escaped": found["files"]["config.toml"]}),
        lambda found: found["files"].update({"/escaped": found["files"]["config.toml"]}),
        lambda found: found["files"].update({"locks/worker.lock": found["files"]["config.toml"]}),
        lambda found: found["files"].update({"a\0b": found["files"]["config.toml"]}),
        lambda found: found["files"]["config.toml"].pop("sha256"),
        lambda found: found["files"]["config.toml"].update(size_bytes="1"),
        lambda found: found["counts"].update(completed="many"),
        lambda found: found.update(counts=[]),
        lambda found: found.update(schema=[1]),
        lambda found: found.update(missing=[{"record_id": "1", "path": "", "reason": ""}]),
        lambda found: found.update(format=2),
    ],
)
def test_a_manifest_that_is_damaged_or_deceives_is_refused(
    backup: Path, tmp_path: Path, damage: Callable[[dict[str, Any]], object]
):
    found = json.loads((backup / "manifest.json").read_text())
    damage(found)
    (backup / "manifest.json").write_text(json.dumps(found))

    with pytest.raises(BadBackup):
        bring_back(backup, tmp_path / "new")

    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"'])
def test_a_manifest_that_is_none_is_refused(backup: Path, tmp_path: Path, content: str):
    (backup / "manifest.json").write_text(content)

    done = offhook("restore", backup, home=tmp_path / "new")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "manifest.json is damaged" in done.stderr


def test_an_unfinished_backup_is_refused(backup: Path, tmp_path: Path):
    (backup / "manifest.json").unlink()

    with pytest.raises(BadBackup, match="not a complete backup"):
        bring_back(backup, tmp_path / "new")


@POSIX_ONLY
def test_a_link_in_a_backup_is_not_followed(backup: Path, tmp_path: Path):
    path = backup / "config.toml"
    path.replace(tmp_path / "moved.toml")
    path.symlink_to(tmp_path / "moved.toml")

    with pytest.raises(BadBackup, match=r"config\.toml"):
        bring_back(backup, tmp_path / "new")


@POSIX_ONLY
def test_a_restore_that_finds_the_disk_full_leaves_nothing_of_what_it_had_made_ready(
    backup: Path, tmp_path: Path
):
    arguments = ["--home", tmp_path / "new", "restore", backup]

    done = offhook_with_files_of_at_most(40_000, *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path / 'new'}/restore.part/offhook.db: File too large" in done.stderr
    assert files(tmp_path / "new") == set()


@POSIX_ONLY
def test_a_pipe_in_a_backup_is_not_waited_for(backup: Path, tmp_path: Path):
    found = json.loads((backup / "manifest.json").read_text())
    found["files"]["inbox/pipe.wav"] = {
        "size_bytes": 0,
        "modified_ns": 1,
        "sha256": hashlib.sha256().hexdigest(),
    }
    (backup / "manifest.json").write_text(json.dumps(found))
    os.mkfifo(backup / "inbox" / "pipe.wav")

    done = offhook("restore", backup, home=tmp_path / "new")

    assert (done.returncode, done.stdout) == (1, "")
    assert "inbox/pipe.wav is not a regular file" in done.stderr


def make_up(backup: Path, *statements: str) -> None:
    """Change the database of a backup, and have the manifest agree."""
    with closing(sqlite3.connect(backup / "offhook.db")) as store, store:
        for statement in statements:
            store.execute(statement)
    seal(backup, json.loads((backup / "manifest.json").read_text()), "offhook.db")


@pytest.mark.parametrize("stem", ["../../escaped", "2026/../../../escaped", "/tmp/escaped"])
def test_a_database_that_would_have_transcripts_written_elsewhere_is_refused(
    backup: Path, tmp_path: Path, stem: str
):
    make_up(backup, f"UPDATE call_records SET library_stem = '{stem}' WHERE title = 'completed'")

    with pytest.raises(BadBackup, match="was not written by offhook"):
        bring_back(backup, tmp_path / "new")

    assert files(tmp_path / "new") == set()


def test_a_database_that_was_made_up_has_no_file_deleted_that_is_not_its_own(backup: Path, tmp_path: Path):
    own = [tmp_path / "thesis.doc", tmp_path / "song.wav"]
    for path in own:
        path.write_bytes(b"a person's own")
    make_up(
        backup,
        f"INSERT INTO inbox_files VALUES ('{own[0]}', 1, 1, 'adopted', 1)",
        f"UPDATE call_records SET recording_path = '{tmp_path}/song.wav' WHERE id = 1",
        "INSERT INTO erasures VALUES (1)",
    )
    new = tmp_path / "new"
    bring_back(backup, new)

    done = offhook("prune", "--older-than", "9y", "--yes", home=new)  # finishes what was begun

    assert "Recording 1: deleted" in done.stdout, done.stderr
    assert [path.read_bytes() for path in own] == [b"a person's own"] * 2
