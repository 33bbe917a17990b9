"""Processes, servers and connections that die in the middle of a put."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from archive.storage import s3
from archive.storage.errors import StorageAway
from archive.storage.folder import FolderStorage
from archive.storage.s3 import S3Storage
from archive.storage.storage import storage_of
from shared.errors import RecordingMissing
from shared.files import sha256_of
from shared.settings import Settings
from tests.integration.storage.dying import dies_at_line
from tests.s3 import S3Server, server

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are forked")
KEY = "calls/2026/11/call.wav"
DAY = 86_400.0


def test_a_process_killed_at_any_line_of_a_put_leaves_a_whole_recording_or_none(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(bytes(range(256)) * 9_000)  # three blocks
    sha256 = sha256_of(path)
    for line in itertools.count():
        root = tmp_path / str(line)
        root.mkdir()
        storage = FolderStorage(root)
        has_died = dies_at_line(line, "archive/storage/folder.py", partial(storage.put, KEY, path, sha256))
        with _absent_or(sha256):
            with storage.open(KEY) as file:
                assert file.read() == path.read_bytes()
        storage.put(KEY, path, sha256)
        left = list(root.rglob(".*.part"))
        assert len(left) <= 1
        assert storage.clear_up(time.time() - DAY) == 0  # somebody may be writing it
        assert storage.clear_up(time.time() + 1) == len(left)
        assert list(storage.list()) == [KEY]
        if not has_died:
            break
    assert line > 30


def test_a_process_killed_anywhere_in_a_put_to_s3_leaves_a_whole_recording_or_none(
    s3_server: S3Server, large: Path
) -> None:
    storage = S3Storage.of_url(s3_server.make_bucket("killed"))
    sha256 = sha256_of(large)

    def put() -> None:
        s3._client_of.cache_clear()  # of the parent: a child has connections of its own
        storage.put(KEY, large, sha256)

    for line in itertools.count(step=13):
        has_died = dies_at_line(line, "archive/storage/s3.py", put)
        assert list(storage.list()) == ([KEY] if storage.exists(KEY) else [])
        with _absent_or(sha256):
            with storage.open(KEY) as file:
                assert file.read() == large.read_bytes()
        storage.delete(KEY)
        if not has_died:
            break
    assert line > 30
    assert storage.clear_up(time.time() - DAY) == 0
    assert storage.clear_up(time.time() + DAY) > 0
    assert storage.clear_up(time.time() + DAY) == 0


def test_a_server_killed_in_the_middle_of_a_put_has_none_of_it_and_takes_it_again(
    tmp_path: Path, large: Path, monkeypatch: pytest.MonkeyPatch, s3_server: S3Server
) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    with server(tmp_path / "swift") as killed:
        storage = storage_of(Settings(home=tmp_path, storage=killed.make_bucket("calls")))
        with pytest.raises(StorageAway):
            storage.put(KEY, large, sha256_of(large), killed.kill)
        for use in (storage.exists, storage.size, storage.open, storage.delete):
            with pytest.raises(StorageAway):
                use(KEY)
        killed.start()
        assert not storage.exists(KEY)
        assert list(storage.list()) == []
        storage.put(KEY, large, sha256_of(large))
        killed.kill()
        killed.start()
        with storage.open(KEY) as file:
            assert file.read() == large.read_bytes()


def test_a_connection_that_is_cut_while_a_recording_is_read_means_that_the_storage_is_away(
    tmp_path: Path, large: Path, s3_server: S3Server
) -> None:
    storage = storage_of(Settings(home=tmp_path, storage=s3_server.make_bucket("cut")))
    storage.put(KEY, large, sha256_of(large))
    with cutting(s3_server.port, after_bytes=5_000_000) as port:
        behind = storage_of(Settings(home=tmp_path, storage=s3_server.url("cut", port)))
        with behind.open(KEY) as file, pytest.raises(StorageAway):
            file.read()


@contextmanager
def _absent_or(sha256: str) -> Iterator[None]:
    try:
        yield
    except (RecordingMissing, StorageAway):  # away: it has no mark yet
        return


@contextmanager
def cutting(port: int, after_bytes: int) -> Iterator[int]:
    """Stand before a port of this machine, and cut each connection after so many bytes of its answers."""
    import socket

    listener = socket.create_server(("127.0.0.1", 0))

    def pass_on(source: socket.socket, target: socket.socket, most: int) -> None:
        try:
            while most > 0 and (block := source.recv(min(65_536, most))):
                target.sendall(block)
                most -= len(block)
        except OSError:
            pass
        finally:
            for each in (source, target):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            upstream = socket.create_connection(("127.0.0.1", port))
            for source, target, most in ((client, upstream, 1 << 40), (upstream, client, after_bytes)):
                threading.Thread(target=pass_on, args=(source, target, most), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
