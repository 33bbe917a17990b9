"""Who can read a home: files and folders that were there before, or that belong to somebody else."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from archive.library import Library
from offhook.desk.file_modes import make_private
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.library.archiving import completed, completed_again, put
from tests.stage import Stage
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
SOMEBODY_ELSE = 54321


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_up(*paths: Path) -> None:
    for path in paths:
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture
def archived(settings: Settings, store: Store) -> Path:
    """A recording in the library whose folders and file others can read."""
    library = Library(settings, store)
    stem = library.archive(completed(store, put(settings.inbox)))
    recording = stem.with_suffix(".wav")
    open_up(stem.parent.parent, stem.parent, recording)
    return recording


def access(stage: Stage) -> list[dict[str, str]]:
    checks = json.loads(stage.offhook("doctor", "--json").stdout)["checks"]
    return [found for found in checks if found["check"] == "access"]


def test_a_recording_taken_from_the_inbox_is_private_from_then_on(settings: Settings, store: Store) -> None:
    dropped = put(settings.inbox)
    open_up(dropped)
    hints = HintQueue(settings.queue)
    clock = iter(range(0, 10_000, 100))
    inbox = Inbox(settings, store, hints, lambda: float(next(clock)))
    while not store.records.newest(1):
        inbox.sweep()
    hints.close()
    assert mode(dropped) == 0o600


def test_month_folders_made_beforehand_become_private_when_a_recording_is_filed(
    archived: Path, settings: Settings, store: Store
) -> None:
    record = store.records.newest(1)[0]
    store.records.requeue(record.id)
    Library(settings, store).archive(completed_again(store, record))
    assert [mode(path) for path in (archived.parent.parent, archived.parent, archived)] == [
        0o700,
        0o700,
        0o600,
    ]


def test_year_folders_are_private_whatever_the_umask(settings: Settings, store: Store) -> None:
    record = completed(store, put(settings.inbox))
    before = os.umask(0o022)
    try:
        stem = Library(settings, store).archive(record)
    finally:
        os.umask(before)
    assert [mode(path) for path in (stem.parent.parent, stem.parent)] == [0o700, 0o700]


def test_doctor_makes_a_home_private_that_others_could_read(archived: Path, settings: Settings) -> None:
    log = put(settings.logs, "worker.log")
    own = put(settings.home, "my notes.txt")
    open_up(log, own, settings.database_file)
    (found,) = access(Stage(settings.home))
    assert found["state"] == "ok"
    assert "5 of its files and folders were not, and now are" in found["message"]
    assert [mode(path) for path in (archived, archived.parent, log, settings.database_file)] == [
        0o600,
        0o700,
        0o600,
        0o600,
    ]
    assert mode(own) == 0o644  # a person's own


def test_doctor_names_what_belongs_to_somebody_else_with_a_remedy(archived: Path, settings: Settings) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give files to somebody else")
    for path in (archived, archived.parent):
        os.chown(path, SOMEBODY_ELSE, SOMEBODY_ELSE)
    found = access(Stage(settings.home))
    assert [each["state"] for each in found] == ["error", "error"]
    for path, each in zip((archived.parent, archived), found, strict=True):
        assert each["message"] == f"{path} belongs to user {SOMEBODY_ELSE} and can be read by others"
        assert f'chmod go= "{path}"' in each["remedy"]
    assert mode(archived) == 0o644


def test_what_a_disk_without_modes_leaves_open_is_reported(archived: Path, settings: Settings) -> None:
    modes = make_private(settings, tighten=lambda path: None)
    assert {each.path for each in modes.exposed} == {archived, archived.parent, archived.parent.parent}
    assert {each.owner for each in modes.exposed} == {None}
    assert make_private(settings).tightened == 3
    assert make_private(settings).exposed == ()


def test_a_link_in_the_library_has_no_file_elsewhere_made_private(settings: Settings, tmp_path: Path) -> None:
    own = put(tmp_path, "own.wav")
    open_up(own)
    (settings.library / "own.wav").symlink_to(own)
    make_private(settings)
    assert mode(own) == 0o644
