"""Each trouble with a storage has its own error, and a remedy: full, refused, not there, no package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from archive.storage import s3
from archive.storage.errors import StorageAway, StorageFull, StorageRefused
from archive.storage.folder import MARK, FolderStorage
from archive.storage.s3 import S3Storage
from shared.errors import RecordingMissing
from shared.files import sha256_of
from tests.disks import full, mount, small_disk, unmount
from tests.s3 import S3Server

KEY = "calls/2026/11/call.wav"


@pytest.fixture(autouse=True)
def fresh_clients() -> None:
    """Clients with the credentials of this test."""
    s3._client_of.cache_clear()


def test_a_full_folder_says_so_and_has_nothing_of_the_recording(tmp_path: Path, small: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        storage = FolderStorage(disk)
        storage.put("calls/2026/11/first.wav", small, sha256_of(small))
        with full(disk), pytest.raises(StorageFull, match="Make room"):
            storage.put(KEY, small, sha256_of(small))
        assert not storage.exists(KEY)
        (disk / "filler").unlink(missing_ok=True)
        storage.put(KEY, small, sha256_of(small))
        assert storage.clear_up(1e11) == 0


def test_a_folder_that_can_only_be_read_refuses_puts_and_is_still_read(tmp_path: Path, small: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        storage = FolderStorage(disk)
        storage.put(KEY, small, sha256_of(small))
        mount("-o", "remount,ro", disk)
        with pytest.raises(StorageRefused, match="permissions"):
            storage.put("calls/2026/11/second.wav", small, sha256_of(small))
        with pytest.raises(StorageRefused):
            storage.delete(KEY)
        with storage.open(KEY) as file:
            assert file.read() == small.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's mounts")
def test_nothing_is_put_where_a_share_is_not_mounted_and_nothing_counts_as_deleted(
    tmp_path: Path, small: Path
) -> None:
    point = tmp_path / "share"
    with small_disk(point):
        storage = FolderStorage(point)
        storage.put(KEY, small, sha256_of(small))
        shutil.copytree(point, tmp_path / "content")
    (point / "somebody's").write_text("a mount point is seldom used, but it may be")
    for use in (storage.open, storage.size, storage.exists, storage.delete):
        with pytest.raises(StorageAway, match="Mount the share"):
            use(KEY)
    with pytest.raises(StorageAway):
        storage.put(KEY, small, sha256_of(small))
    with pytest.raises(StorageAway):
        list(storage.list())
    assert [path.name for path in point.iterdir()] == ["somebody's"]
    mount("--bind", tmp_path / "content", point)
    try:
        assert list(storage.list()) == [KEY]
    finally:
        unmount(point)


def test_what_a_new_disk_has_of_its_own_does_not_keep_a_storage_from_beginning(
    tmp_path: Path, small: Path
) -> None:
    disk = tmp_path / "disk"
    (disk / "lost+found").mkdir(parents=True)
    FolderStorage(disk).put(KEY, small, sha256_of(small))
    assert (disk / MARK).is_file()


def test_a_folder_in_the_place_of_a_recording_is_no_recording(tmp_path: Path, small: Path) -> None:
    (tmp_path / "shared").mkdir()
    storage = FolderStorage(tmp_path / "shared")
    storage.put("calls/2026/11/other.wav", small, sha256_of(small))
    with pytest.raises(RecordingMissing):
        storage.open("calls/2026/11")


@pytest.mark.skipif(os.name != "posix", reason="Windows lets administrators alone make links")
def test_a_link_in_the_place_of_a_recording_is_not_followed(tmp_path: Path, small: Path) -> None:
    (tmp_path / "shared").mkdir()
    storage = FolderStorage(tmp_path / "shared")
    storage.put("calls/2026/11/other.wav", small, sha256_of(small))
    (tmp_path / "shared" / KEY).symlink_to(small)
    with pytest.raises(RecordingMissing):
        storage.open(KEY)
    assert KEY not in list(storage.list())


def test_wrong_credentials_are_refused_with_a_remedy(
    s3_server: S3Server, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = s3_server.make_bucket("mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    storage = S3Storage.of_url(url)
    for use in (storage.size, storage.exists, storage.open, storage.delete):
        with pytest.raises(StorageRefused, match="Check the credentials"):
            use(KEY)
    with pytest.raises(StorageRefused):
        storage.put(KEY, small, sha256_of(small))


def test_without_credentials_the_remedy_names_the_variables(
    s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StorageRefused, match="AWS_ACCESS_KEY_ID"):
        S3Storage.of_url(s3_server.url("mine")).size(KEY)


def test_a_bucket_that_is_not_there_is_refused_and_its_recordings_are_not_missing(
    s3_server: S3Server, small: Path
) -> None:
    storage = S3Storage.of_url(s3_server.url("nowhere"))
    for use in (storage.size, storage.exists, storage.open, storage.delete):
        with pytest.raises(StorageRefused):
            use(KEY)
    with pytest.raises(StorageRefused):
        storage.put(KEY, small, sha256_of(small))


def test_without_the_package_the_remedy_names_it() -> None:
    script = (
        "import sys; sys.modules['boto3'] = None\n"
        "from archive.storage.storage import storage_of\n"
        "from shared.settings import Settings\n"
        "storage_of(Settings(storage='s3://calls')).size('calls/a.wav')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "-m pip install boto3" in done.stderr


def test_boto3_is_loaded_for_s3_alone() -> None:
    script = (
        "import sys, offhook.cli, offhook.desk.adding, transcribe_worker.worker\n"
        "from archive.storage.storage import storage_of\n"
        "from shared.settings import Settings\n"
        "storage_of(Settings(storage='/srv/calls')), storage_of(Settings())\n"
        "print([name for name in sys.modules if name.startswith('boto')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
