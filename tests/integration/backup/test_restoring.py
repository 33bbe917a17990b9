"""What a restore brings back."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from shared.store.store import Store
from tests.integration.backup.homes import WAITS, Home, assert_restored, bring_back, offhook, seal
from tests.tables import Capture, InboxFile, Record, Worker, use


def test_a_restored_home_has_every_recording_where_its_database_says(backup: Path, tmp_path: Path):
    restored = bring_back(backup, tmp_path / "new")

    assert restored.queued_again == 1
    assert_restored(tmp_path / "new")
    assert (tmp_path / "new" / "config.toml").read_text() == 'language = "de"\n'
    assert (tmp_path / "new" / "recording" / f"{WAITS}.part").read_bytes() == b"said by nobody else"
    assert not (tmp_path / "new" / "restore.part").exists()


def test_no_path_in_a_restored_database_leads_into_the_old_home(backup: Path, full: Home, tmp_path: Path):
    bring_back(backup, tmp_path / "new")

    store = use(Store.open(tmp_path / "new" / "offhook.db"))
    try:
        for model, column in ((Record, "recording_path"), (InboxFile, "path"), (Capture, "recording_path")):
            paths = [Path(getattr(row, column)) for row in model.select()]
            assert paths
            assert not any(path.is_relative_to(full.settings.home) for path in paths)
    finally:
        store.disconnect()


def test_what_a_worker_held_is_queued_again_where_it_was_and_the_worker_is_forgotten(
    backup: Path, tmp_path: Path
):
    bring_back(backup, tmp_path / "new")

    store = use(Store.open(tmp_path / "new" / "offhook.db"))
    try:
        record = Record.get(Record.title == "processing")
        assert (record.transcription_status, record.attempts, record.crashes) == ("queued", 0, 0)
        assert (record.claim_token, record.worker_id) == (None, None)
        assert len(store.transcripts.windows(record.id)) == 1
        assert Worker.select().count() == 0
        assert store.controls.paused()
    finally:
        store.disconnect()


def test_a_backup_that_was_copied_without_its_times_still_knows_them(backup: Path, tmp_path: Path):
    for path in backup.rglob("*"):
        os.utime(path, ns=(1, 1))

    bring_back(backup, tmp_path / "new")

    assert_restored(tmp_path / "new")


def test_a_backup_from_windows_leads_into_the_new_home(home: Home, tmp_path: Path):
    home.queued("call")
    backup = home.back_up(tmp_path / "backups")
    home.close()
    with closing(sqlite3.connect(backup.path / "offhook.db")) as store, store:
        store.execute("UPDATE call_records SET recording_path = 'c:\\Users\\Me\\Offhook\\inbox\\call.wav'")
    manifest = {
        **json.loads((backup.path / "manifest.json").read_text()),
        "home": "C:\\Users\\Me\\Offhook",
    }
    seal(backup.path, manifest, "offhook.db")

    bring_back(backup.path, tmp_path / "new")

    store = use(Store.open(tmp_path / "new" / "offhook.db"))
    assert Path(Record.get().recording_path).read_bytes() == b"call"
    store.disconnect()


def test_the_home_of_the_settings_is_the_place_unless_another_one_is_named(backup: Path, tmp_path: Path):
    done = offhook("restore", backup, home=tmp_path / "own")
    assert (done.returncode, done.stdout) == (0, f"Restored into {tmp_path / 'own'}\n"), done.stderr

    done = offhook("restore", backup, "--into", tmp_path / "other", "--json", home=tmp_path / "own")
    assert json.loads(done.stdout)["home"] == str(tmp_path / "other")
    for new in ("own", "other"):
        assert_restored(tmp_path / new)
