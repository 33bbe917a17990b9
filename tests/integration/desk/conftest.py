"""A server and a browser that the tests of a module share, and a page of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from starlette.routing import Route

from offhook.desk.desk import Desk
from offhook.web.app import routes
from offhook.web.assets import Assets
from offhook.web.pages import Renderer
from offhook.web.signing_in import Entrance
from offhook.web.visitors import Doorkeeper
from offhook.web.work import Work
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from tests import tables
from tests.conftest import skip_or_fail
from tests.desk import CHROMIUM, DeskServer, chromium, serving, signed_in, watched
from tests.integration.commands.spoken import spoken
from tests.stage import Stage


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    """The desk's server of a fresh home; no other process of offhook runs there."""
    with serving(Stage(tmp_path_factory.mktemp("desk") / "home")) as server:
        yield server


@pytest.fixture(scope="module")
def desk_store(desk: DeskServer) -> Iterator[Store]:
    """The store of the server's home, opened by the tests too."""
    with Store.of_home(Settings(home=desk.stage.home)) as store:
        yield tables.use(store)


@pytest.fixture
def record(desk: DeskServer, desk_store: Store) -> Record:
    """A call with words, of its own for each test."""
    return spoken(Settings(home=desk.stage.home), desk_store)


@pytest.fixture
def at(record: Record) -> str:
    """The address of that call."""
    return f"/api/v1/records/{record.id}"


@pytest.fixture(scope="module")
def client(desk: DeskServer) -> Iterator[httpx.Client]:
    """A client that is signed in."""
    with closing(desk.client()) as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, started once for a module."""
    if CHROMIUM is None:
        skip_or_fail("no Chromium is installed: sudo apt install chromium")
    with sync_playwright() as playwright, chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def context(browser: Browser, desk: DeskServer) -> Iterator[BrowserContext]:
    """A browser's profile that is signed in."""
    with signed_in(browser, desk) as context:
        yield context


@pytest.fixture
def faults() -> list[str]:
    """What went wrong in the page; a test that expects some clears it."""
    return []


@pytest.fixture
def page(context: BrowserContext, faults: list[str]) -> Iterator[Page]:
    """A new tab; nothing may go wrong in its scripts."""
    page = watched(context.new_page(), faults)
    yield page
    page.close()
    assert faults == []


@pytest.fixture(scope="module")
def all_routes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Route]]:
    """Every route of the application."""
    work, renderer = Work(), Renderer.of(Assets())
    with Desk({"home": tmp_path_factory.mktemp("routes") / "home"}) as desk:
        entrance = Entrance(Doorkeeper(desk.store, 8484), renderer, work)
        yield [it for it in routes(desk, entrance, renderer, work) if isinstance(it, Route)]
    work.close()
