"""What every storage does: a folder, a bucket, and a bucket that keeps versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.storage.errors import BadKey
from archive.storage.storage import Storage
from shared.errors import RecordingChanged, RecordingMissing
from shared.files import sha256_of
from tests.s3 import S3Server

KEY, OTHER = "calls/2026/11/call.wav", "calls/2026/12/call.wav"


def content(storage: Storage, key: str) -> bytes:
    with storage.open(key) as file:
        return file.read()


@pytest.mark.parametrize("name", ["small", "large"])
def test_a_recording_is_read_as_it_was_put_however_often(
    storage: Storage, name: str, request: pytest.FixtureRequest
) -> None:
    path: Path = request.getfixturevalue(name)
    for _ in range(2):
        storage.put(KEY, path, sha256_of(path))
    assert content(storage, KEY) == path.read_bytes()
    assert storage.exists(KEY)
    assert storage.size(KEY) == path.stat().st_size
    assert list(storage.list()) == list(storage.list("calls/2026/")) == [KEY]
    assert list(storage.list("calls/2025/")) == []


@pytest.mark.parametrize("name", ["small", "large"])
def test_a_file_with_another_hash_is_not_stored(
    storage: Storage, name: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(RecordingChanged):
        storage.put(KEY, request.getfixturevalue(name), "0" * 64)
    assert list(storage.list()) == []
    assert not storage.exists(KEY)


def test_a_put_that_is_stopped_leaves_nothing(storage: Storage, large: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        storage.put(KEY, large, sha256_of(large), stop)
    assert list(storage.list()) == []
    assert storage.clear_up(older_than=1e11) == 0


def test_a_second_put_replaces_the_first(storage: Storage, small: Path, large: Path) -> None:
    storage.put(KEY, small, sha256_of(small))
    storage.put(KEY, large, sha256_of(large))
    assert content(storage, KEY) == large.read_bytes()


@pytest.mark.parametrize("name", ["small", "large"])
def test_a_recording_is_moved_once_however_often_it_is_asked(
    storage: Storage, name: str, request: pytest.FixtureRequest
) -> None:
    path: Path = request.getfixturevalue(name)
    storage.put(KEY, path, sha256_of(path))
    for _ in range(2):
        storage.move(KEY, OTHER)
    assert list(storage.list()) == [OTHER]
    assert content(storage, OTHER) == path.read_bytes()
    with pytest.raises(RecordingMissing):
        storage.move(KEY, "calls/2026/10/call.wav")


def test_a_deleted_recording_is_gone_and_can_be_deleted_again(storage: Storage, small: Path) -> None:
    storage.put(KEY, small, sha256_of(small))
    storage.put(OTHER, small, sha256_of(small))
    for _ in range(2):
        storage.delete(KEY)
    assert list(storage.list()) == [OTHER]


def test_a_missing_recording_is_named(storage: Storage, small: Path) -> None:
    storage.put(OTHER, small, sha256_of(small))
    assert not storage.exists(KEY)
    for look in (storage.open, storage.size):
        with pytest.raises(RecordingMissing):
            look(KEY)


def test_no_key_leads_out(storage: Storage, small: Path) -> None:
    for use in (storage.open, storage.size, storage.exists, storage.delete):
        with pytest.raises(BadKey):
            use("../secret.wav")
    with pytest.raises(BadKey):
        storage.put("../secret.wav", small, sha256_of(small))


def test_all_versions_of_a_deleted_recording_go_and_no_other(
    s3_server: S3Server, small: Path, large: Path, tmp_path: Path
) -> None:
    from archive.storage.storage import storage_of
    from shared.settings import Settings

    url = s3_server.make_bucket("versioned", versioned=True)
    storage = storage_of(Settings(home=tmp_path, storage=url))
    for path in (small, large, small):
        storage.put(KEY, path, sha256_of(path))
    longer = KEY + "x"  # the listing of versions takes a beginning, and this one begins so
    storage.put(longer, small, sha256_of(small))
    s3_server.client().delete_object(Bucket="versioned", Key=f"team/{KEY}")  # as another program may
    assert len(s3_server.versions("versioned")) == 5
    storage.delete(KEY)
    assert s3_server.versions("versioned") == [f"team/{longer}"]
