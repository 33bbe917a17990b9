"""A deletion reaches the storage: at once, or as soon as it can be used again."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from archive.erasing import Eraser
from archive.library import Library
from archive.storage.copies import copy_of
from archive.storage.recordings import Recordings
from archive.storage.storage import storage_of
from archive.storage.upkeep import Upkeep
from shared.home import prepare
from shared.settings import Settings
from shared.store.objects import UNCLAIMED_SECONDS
from shared.store.store import Store
from tests.integration.storage.keyed import add_keyed
from tests.s3 import S3Server
from tests.stage import Stage

HOUR = 3_600.0


def test_a_deletion_takes_the_recording_out_of_every_kind_of_storage(
    storage_url: str, small: Path, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", storage=storage_url)
    prepare(settings)
    storage = storage_of(settings)
    with Store.of_home(settings) as store:
        gone = add_keyed(settings, store, small, "gone", candidate_id="C-1")
        kept = add_keyed(settings, store, small, "kept")
        assert gone.storage_key
        storage.put(gone.storage_key, small, gone.sha256 or "")  # another version, where there are some
        Recordings(settings, store).path(gone)
        stage = Stage(settings.home, (("OFFHOOK_STORAGE", storage_url),))
        said = stage.read("delete", "--candidate", "C-1", "--yes")
        assert said["finished"]
        assert list(storage.list()) == [kept.storage_key]
        assert store.objects.ordered() == []
        assert not copy_of(settings, gone).exists()
    receipt = json.loads(Path(said["receipt"]).read_text())
    shared = receipt["shared_storage"]
    assert shared["objects"] == [{"sha256": gone.sha256, "size_bytes": gone.size_bytes}]
    assert shared["deleted_with_versions_at"] == receipt["finished_at"] is not None
    assert "database_backups" in shared["not_reached"]


def test_no_version_of_a_deleted_recording_is_left(s3_server: S3Server, small: Path, tmp_path: Path) -> None:
    url = s3_server.make_bucket("deleted", versioned=True)
    settings = Settings(home=tmp_path / "home", storage=url)
    prepare(settings)
    with Store.of_home(settings) as store:
        record = add_keyed(settings, store, small, "gone")
        for _ in range(2):
            storage_of(settings).put(record.storage_key or "", small, record.sha256 or "")
        assert len(s3_server.versions("deleted")) == 3
        Stage(settings.home, (("OFFHOOK_STORAGE", url),)).offhook("delete", str(record.id), "--yes")
    assert s3_server.versions("deleted") == []


@pytest.fixture
def shared(tmp_path: Path) -> Settings:
    """A home with a storage in a folder."""
    (tmp_path / "shared").mkdir()
    settings = Settings(home=tmp_path / "home", storage=str(tmp_path / "shared"))
    prepare(settings)
    return settings


def test_a_deletion_while_the_storage_is_away_is_finished_when_it_is_back(
    shared: Settings, small: Path
) -> None:
    folder = Path(shared.storage)
    with Store.of_home(shared) as store:
        record = add_keyed(shared, store, small, "gone", candidate_id="C-1")
        folder.rename(folder.with_name("elsewhere"))
        stage = Stage(shared.home, (("OFFHOOK_STORAGE", shared.storage),))
        said = stage.read("delete", "--candidate", "C-1", "--yes")
        assert not said["finished"]
        assert store.records.find(record.id) is None
        (waits,) = store.objects.ordered()
        assert (waits.storage_key, waits.error) == (record.storage_key, "storage_away")
        receipt = Path(said["receipt"])
        assert json.loads(receipt.read_text())["finished_at"] is None
        folder.with_name("elsewhere").rename(folder)
    with Store.of_home(shared) as store:
        store.objects.order(waits.storage_key)  # its wait is over
        later = Eraser(shared, store, Library(shared, store))
        assert later.remove_objects()
        later.resume()
        assert store.objects.ordered() == []
        assert list(storage_of(shared).list()) == []
    assert json.loads(receipt.read_text())["shared_storage"]["deleted_with_versions_at"]


def test_a_put_without_a_record_is_deleted_after_a_day_and_one_with_a_record_stays(
    shared: Settings, small: Path
) -> None:
    now = [time.time()]
    with Store.of_home(shared) as store:
        kept = add_keyed(shared, store, small, "kept")
    with Store.open(shared.database_file, clock=lambda: now[0]) as store:
        storage, upkeep = storage_of(shared), Upkeep(shared, store)
        storage.put("calls/2026/11/left.wav", small, kept.sha256 or "")
        for key in ("calls/2026/11/left.wav", kept.storage_key or ""):
            store.objects.expect(key)
        for hours in (-1, 1, 22):  # clocks of machines differ
            now[0] += hours * HOUR
            assert upkeep.remove_objects()
            assert len(list(storage.list())) == 2
        now[0] += UNCLAIMED_SECONDS
        assert upkeep.remove_objects()
        assert list(storage.list()) == [kept.storage_key]


def test_of_two_machines_one_deletes_an_object(shared: Settings, small: Path) -> None:
    with Store.of_home(shared) as store:
        store.objects.order("calls/2026/11/gone.wav")
        assert store.objects.take()
        assert store.objects.take() is None
        assert not store.objects.is_due()


def test_a_machine_removes_its_copies_of_what_another_has_deleted(
    s3_server: S3Server, small: Path, tmp_path: Path
) -> None:
    url = s3_server.make_bucket("strays")
    settings = Settings(home=tmp_path / "home", storage=url)
    prepare(settings)
    with Store.of_home(settings) as store:
        gone, kept = (add_keyed(settings, store, small, title) for title in ("gone", "kept"))
        copies = [Recordings(settings, store).path(record) for record in (gone, kept)]
        store.records.delete(gone.id)  # as the other machine has done
        Upkeep(settings, store).apply()
        assert [copy.exists() for copy in copies] == [False, True]
