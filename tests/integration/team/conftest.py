"""A team's server, shared by the tests of a module, and its store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared import home
from shared.settings import Settings
from shared.store.store import Store
from tests.desk import DeskServer, serving
from tests.stage import Stage
from tests.workstations import WorkstationClient, token_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    stage = Stage(tmp_path_factory.mktemp("team") / "server")
    home.prepare(Settings(home=stage.home))
    with serving(stage) as server:
        yield server


@pytest.fixture
def server_store(server: DeskServer) -> Iterator[Store]:
    """The store of the server's home."""
    with Store.of_home(Settings(home=server.stage.home)) as store:
        yield store


@pytest.fixture
def ada(server: DeskServer, server_store: Store) -> Iterator[WorkstationClient]:
    """A workstation of Ada that has joined."""
    client = WorkstationClient(server.url, token_of(server_store, "ada"))
    assert client.join().status_code == 200
    yield client
    client.close()


@pytest.fixture
def bob(server: DeskServer, server_store: Store) -> Iterator[WorkstationClient]:
    """A workstation of Bob that has joined."""
    client = WorkstationClient(server.url, token_of(server_store, "bob"), "b0" * 16)
    assert client.join().status_code == 200
    yield client
    client.close()
