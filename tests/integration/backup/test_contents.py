"""What is in a backup."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from archive.backup.make import LOCK, back_up
from archive.backup.manifest import Manifest
from archive.exports import IN_LIBRARY
from shared.store.sqlite.migrations import MIGRATIONS
from shared.store.transitions import STATES
from tests.integration.backup.homes import POSIX_ONLY, WAITS, Home, assert_whole, bring_back, files, silent
from tests.tables import Record

# What is in a backup


def test_a_backup_has_the_files_that_its_database_refers_to_and_no_others(full: Home, tmp_path: Path):
    backup = full.back_up(tmp_path / "backups")

    assert_whole(backup)
    stem = Record.select().where(Record.title == "completed").get().library_stem
    assert files(backup.path) == {
        "manifest.json",
        "offhook.db",
        "config.toml",
        f"recording/{WAITS}.part",
        *(f"inbox/{name}.wav" for name in ("queued", "processing", "failed", "cancelled")),
        *(f"library/{stem}.{suffix}" for suffix in ("wav", *IN_LIBRARY)),
    }
    assert backup.manifest.missing == []
    assert [Path(entry.path).name for entry in backup.manifest.elsewhere] == ["outside.wav"]
    assert backup.manifest.counts == dict.fromkeys(STATES, 1) | {"queued": 2}
    assert backup.manifest.schema == [migration.name for migration in MIGRATIONS]


def test_a_backup_is_named_after_its_moment_and_stands_beside_others(home: Home, tmp_path: Path):
    folder = tmp_path / "not there" / "yet"
    at = time.mktime((2026, 11, 25, 14, 3, 9, 0, 0, -1))

    paths = [back_up(home.settings, home.store, folder, silent, clock=lambda: at).path for _ in range(2)]

    assert [path.name for path in paths] == [
        "offhook-backup-20261125-140309",
        "offhook-backup-20261125-140310",
    ]
    assert {path.name for path in folder.iterdir()} == {LOCK, *(path.name for path in paths)}


def test_the_copied_database_is_one_file_that_reads_where_nothing_can_be_written(full: Home, tmp_path: Path):
    backup = full.back_up(tmp_path / "backups")

    with closing(sqlite3.connect(f"file:{backup.path / 'offhook.db'}?immutable=1", uri=True)) as store:
        assert store.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert store.execute("SELECT count(*) FROM call_records").fetchone() == (6,)


@POSIX_ONLY
def test_a_backup_and_what_is_restored_from_it_are_their_owners_alone(backup: Path, tmp_path: Path):
    bring_back(backup, tmp_path / "new")

    for root in (backup.parent, tmp_path / "new"):
        for path in (root, *root.rglob("*")):
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_progress_is_told_for_the_database_and_for_the_files(full: Home, tmp_path: Path):
    told: list[tuple[str, int, int]] = []

    full.back_up(tmp_path / "backups", lambda *progress: told.append(progress))

    assert {what for what, _, _ in told} == {"database", "files"}
    assert all(0 <= done <= total for _, done, total in told)
    assert told[-1][1] == told[-1][2]


# Of another version


def test_a_manifest_is_read_as_it_was_written(full: Home, tmp_path: Path):
    from archive.backup import manifest

    backup = full.back_up(tmp_path / "backups")

    assert manifest.read(backup.path) == backup.manifest
    assert isinstance(backup.manifest, Manifest)
