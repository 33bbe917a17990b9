"""A team's server, shared by the tests of a module, and its store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from shared import home
from shared.settings import Settings
from shared.store.store import Store
from tests.databases import BOTH, SQLITE
from tests.desk import DeskServer, serving
from tests.stage import Stage
from tests.workstations import WorkstationClient, token_of

#: Modules whose server runs on either database.
ON_BOTH = ("test_intake", "test_news")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of what is in the database on both."""
    if "server" in metafunc.fixturenames and metafunc.module.__name__.endswith(ON_BOTH):
        metafunc.parametrize("server", BOTH, indirect=True, scope="module")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    with ExitStack() as stack:
        settings: list[tuple[str, str]] = []
        if getattr(request, "param", SQLITE) != SQLITE:
            url = stack.enter_context(request.getfixturevalue("postgres_server").database())
            settings.append(("OFFHOOK_DATABASE", url))
        stage = Stage(tmp_path_factory.mktemp("team") / "server", tuple(settings))
        home.prepare(settings_of(stage))
        yield stack.enter_context(serving(stage))


def settings_of(stage: Stage) -> Settings:
    """Return the settings of a stage's home."""
    return Settings(home=stage.home, database=dict(stage.settings).get("OFFHOOK_DATABASE", ""))


@pytest.fixture
def server_store(server: DeskServer) -> Iterator[Store]:
    """The store of the server's home."""
    with Store.of_home(settings_of(server.stage)) as store:
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
