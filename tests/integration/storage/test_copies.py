"""Copies of recordings of an S3 storage: whole or absent, within their room, kept while they are used."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from archive.storage import s3
from archive.storage.copies import Copies, copy_of
from archive.storage.errors import RecordingDamaged
from archive.storage.recordings import Recordings
from archive.storage.storage import storage_of
from shared.files import names_in, sha256_of
from shared.home import prepare
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.storage.dying import dies_at_line
from tests.integration.storage.keyed import add_keyed
from tests.s3 import S3Server


@pytest.fixture
def in_s3(s3_server: S3Server, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """A home with a bucket, whose copies have room for one recording."""
    name = request.node.name.replace("_", "-")[-40:].strip("-")
    settings = Settings(home=tmp_path / "home", storage=s3_server.make_bucket(name), copies_gb=40_000 / 1e9)
    prepare(settings)
    return settings


def used_long_ago(path: Path) -> None:
    os.utime(path, (0, path.stat().st_mtime))


def test_the_copy_that_was_unused_for_longest_goes_and_none_in_use(
    in_s3: Settings, small: Path, store: Store
) -> None:
    records = [add_keyed(in_s3, store, small, title) for title in "abcd"]
    recordings = Recordings(in_s3, store)
    with recordings.in_use(records[0]) as first:
        others = [recordings.path(record) for record in records[1:3]]
        for path in (first, *others):
            used_long_ago(path)
        last = recordings.path(records[3])
        assert [path.exists() for path in (first, *others, last)] == [True, False, False, True]
    used_long_ago(first)
    Copies(in_s3).make_room(0)
    Copies(in_s3).make_room(20_000)
    assert not first.exists()
    assert last.exists()  # it was asked for a moment ago


def test_a_copy_is_the_same_file_to_a_player_when_it_is_fetched_again(
    in_s3: Settings, small: Path, store: Store
) -> None:
    record, recordings = add_keyed(in_s3, store, small, "call"), Recordings(in_s3, store)
    before = recordings.path(record).stat()
    recordings.path(record).unlink()
    after = recordings.path(record).stat()
    assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


def test_a_damaged_recording_leaves_no_copy(in_s3: Settings, small: Path, large: Path, store: Store) -> None:
    record = add_keyed(in_s3, store, small, "call")
    storage_of(in_s3).put(record.storage_key or "", large, sha256_of(large))
    with pytest.raises(RecordingDamaged):
        Recordings(in_s3, store).path(record)
    assert _recordings(in_s3) == []


def test_several_that_fetch_one_recording_at_once_all_have_it(
    in_s3: Settings, large: Path, store: Store
) -> None:
    record = add_keyed(in_s3, store, large, "call")

    def fetch(_: int) -> str:
        with Recordings(in_s3, store).in_use(record) as path:
            return sha256_of(path)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(fetch, range(4))) == {record.sha256}
    assert _recordings(in_s3) == [copy_of(in_s3, record).name]


@pytest.mark.skipif(os.name != "posix", reason="processes are forked")
def test_a_process_that_dies_while_it_fetches_leaves_nothing_in_the_way(
    in_s3: Settings, large: Path, store: Store
) -> None:
    record = add_keyed(in_s3, store, large, "call")
    store.disconnect()
    for line in itertools.count(step=11):
        if not dies_at_line(line, "archive/storage/copies.py", _fetching(in_s3, record)):
            break
        path = copy_of(in_s3, record)
        if path.exists():
            assert sha256_of(path) == record.sha256
            path.unlink()
    with Recordings(in_s3, store).in_use(record) as path:
        assert sha256_of(path) == record.sha256
    Copies(in_s3).make_room(0)
    assert set(names_in(in_s3.copies)) == {".lock", path.name}


def test_a_file_in_a_shared_folder_is_checked_again_when_it_has_changed(
    tmp_path: Path, small: Path, store: Store
) -> None:
    (tmp_path / "shared").mkdir()
    settings = Settings(home=tmp_path / "home", storage=str(tmp_path / "shared"))
    record, recordings = add_keyed(settings, store, small, "call"), Recordings(settings, store)
    path = recordings.path(record)
    assert path == tmp_path / "shared" / (record.storage_key or "")
    path.write_bytes(small.read_bytes()[::-1])
    os.utime(path, (1, 1))
    with pytest.raises(RecordingDamaged):
        recordings.path(record)
    assert not settings.copies.exists()
    with pytest.raises(RecordingDamaged):
        recordings.path(replace(record, size_bytes=1))


def _fetching(settings: Settings, record: Record) -> Callable[[], None]:
    def fetch() -> None:
        s3._client_of.cache_clear()
        storage = storage_of(settings)
        with Copies(settings).in_use(record, storage, lambda: None):
            pass

    return fetch


def _recordings(settings: Settings) -> list[str]:
    return [name for name in names_in(settings.copies) if not name.startswith(".")]
