"""Storages of every kind, and records whose recordings are in one."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.storage.storage import Storage, storage_of
from shared.settings import Settings
from tests import s3
from tests.conftest import skip_or_fail
from tests.s3 import S3Server

KINDS = ("folder", "s3", "versions")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server with the S3 protocol."""
    if why := s3.missing():
        skip_or_fail(why)
    with s3.server(tmp_path_factory.mktemp("swift")) as found:
        yield found


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials of that server, for this process and those that it starts."""
    for name, value in s3.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def a_storage(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """Make an empty storage of a kind; return the setting that names it."""
    if kind == "folder":
        shared = folder / "shared"
        shared.mkdir()
        return str(shared)
    server: S3Server = request.getfixturevalue("s3_server")
    return server.make_bucket(f"calls-{uuid.uuid4().hex[:12]}", versioned=kind == "versions")


@pytest.fixture(params=KINDS)
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The setting of an empty storage of each kind."""
    return a_storage(request.param, tmp_path, request)


@pytest.fixture
def storage(storage_url: str, tmp_path: Path) -> Storage:
    """An empty storage of each kind."""
    return storage_of(Settings(home=tmp_path / "home", storage=storage_url))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A recording that is sent in one request."""
    path = tmp_path / "small.wav"
    path.write_bytes(b"RIFF" + bytes(range(256)) * 100)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    """A recording that is sent in three parts."""
    path = tmp_path / "large.wav"
    path.write_bytes(bytes(range(256)) * 70_000)
    yield path
    shutil.rmtree(tmp_path / "shared", ignore_errors=True)
