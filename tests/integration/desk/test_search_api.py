"""What pages and programs call to find moments."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from offhook.web.api import ENDPOINTS
from offhook.web.app import LONG_PAGES
from offhook.web.work import LONG
from shared.settings import Settings
from shared.speakers import ME, THEM
from shared.store.store import Store
from shared.store.values import Record
from tests.desk import DeskServer
from tests.integration.commands.spoken import spoken

SAID = (
    (ME, "👋 Good morning, is the contract signed?"),
    (THEM, "The contract is on its way."),
    (THEM, "Contracts take time."),
)


@pytest.fixture(scope="module")
def record(desk: DeskServer, desk_store: Store) -> Record:
    settings = Settings(home=desk.stage.home)
    spoken(settings, desk_store, "Another call", ((ME, "Nothing but a contract."),), candidate_id="C-2")
    return spoken(settings, desk_store, "Call with Ada", SAID, candidate_id="C-1")


def found(client: httpx.Client, **query: object) -> dict[str, Any]:
    answer = client.get("/api/v1/search", params={"q": "contract", **query})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def moments(client: httpx.Client, **query: object) -> list[int]:
    return [it["moment_ms"] for it in found(client, **query)["places"]]


def test_a_moment_has_its_speaker_its_words_and_what_of_them_was_found(
    client: httpx.Client, record: Record
) -> None:
    second, first, _ = found(client)["places"]
    assert (first["record_id"], first["title"], first["candidate_id"]) == (record.id, "Call with Ada", "C-1")
    assert (first["moment_ms"], first["name"], first["speaker"]) == (5 * 400, "Me", "me")
    assert second["name"] == "C-1"
    in_units = first["snippet"].encode("utf-16-le")
    assert [in_units[2 * a : 2 * b].decode("utf-16-le") for a, b in first["marks"]] == ["contract"]


def test_a_search_is_narrowed_and_goes_on_at_its_cursor(client: httpx.Client, record: Record) -> None:
    assert moments(client, speaker="C-1") == [5400]
    assert moments(client, candidate="C-2") == [1200]
    assert moments(client, q="contract*", candidate="C-1") == [10_000, 5400, 2000]
    tomorrow = date.today() + timedelta(days=1)
    assert (moments(client, since=tomorrow), len(moments(client, until=tomorrow))) == ([], 3)
    page = found(client, limit=2)
    assert len(page["places"]) == 2
    rest = found(client, limit=2, cursor=page["cursor"])
    assert [it["title"] for it in rest["places"]] == ["Another call"]
    assert rest["cursor"] is None


def test_recordings_that_are_being_deleted_are_not_found(
    client: httpx.Client, record: Record, desk_store: Store
) -> None:
    assert client.post("/api/v1/records/delete", json={"ids": [record.id]}).status_code == 200
    assert [it["title"] for it in found(client)["places"]] == ["Another call"]
    assert client.post("/api/v1/records/undelete", json={"ids": [record.id]}).status_code == 200
    assert len(found(client)["places"]) == 3


@pytest.mark.parametrize("query", [{"limit": 0}, {"since": "yesterday"}, {"cursor": -1}, {"q": "x" * 1001}])
def test_what_is_no_search_is_refused(client: httpx.Client, query: dict[str, object]) -> None:
    assert client.get("/api/v1/search", params={"q": "contract", **query}).status_code == 400


def test_a_search_without_words_finds_nothing(client: httpx.Client, record: Record) -> None:
    assert found(client, q=" *") == {"places": [], "cursor": None}


def test_days_and_signs_that_nobody_means_do_no_harm(client: httpx.Client, record: Record) -> None:
    assert len(moments(client, since="0001-01-01", until="9999-12-31")) == 3
    assert moments(client, since="9999-12-31") == moments(client, until="0001-01-01") == []
    assert moments(client, q="contract\0way") == moments(client, q="contract way") == [5400]
    assert client.get("/search", params={"q": "contract", "until": "9999-12-31"}).status_code == 200


def test_searches_take_no_thread_that_pages_need(all_routes: list[Route]) -> None:
    """A search for a common word that its speaker never says looks at every segment there is."""
    long = {endpoint.path for endpoint in ENDPOINTS if endpoint.kind == LONG} | set(LONG_PAGES)
    assert {it.path for it in all_routes if "search" in it.path or it.path.endswith("/replace")} <= long
