"""A workstation waits for news of its calls: it is told of a change at once, and of nothing else."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from archive.team_messages import MOST_CALLS, PREFIX
from offhook.web.team.news import MOST_OF_A_TOKEN
from shared.store.access import WORKSTATION
from shared.store.store import Store
from tests.desk import DeskServer
from tests.workstations import HandedOver, WorkstationClient, token_of

AT_ONCE_SECONDS = 5.0


def in_a_thread(ask: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Ask in a thread; return what waits for the answer."""
    found: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: found.append(ask()))
    thread.start()

    def answer() -> dict[str, Any]:
        thread.join(40)
        return found[0]

    return answer


def test_a_change_is_told_at_once_to_who_waits_for_it(
    server_store: Store, ada: WorkstationClient, bob: WorkstationClient
):
    call = HandedOver(os.urandom(100))
    record_id = ada.hand_over(call)["record_id"]
    seq = ada.changes()["seq"]
    adas = in_a_thread(lambda: ada.changes(seq, wait=25))
    bobs = in_a_thread(lambda: bob.changes(seq, wait=4))
    claim = server_store.claims.claim(record_id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    server_store.claims.renew(claim, lease_seconds=60, progress=0.5)
    begun_at = time.monotonic()
    told = adas()

    assert time.monotonic() - begun_at < AT_ONCE_SECONDS
    assert [(it["session_id"], it["status"]) for it in told["calls"]] == [(call.session_id, "processing")]
    assert told["seq"] > seq
    nothing = bobs()
    assert nothing["calls"] == []
    assert nothing["seq"] >= seq


def test_a_workstation_that_waits_too_often_is_refused_alone(ada: WorkstationClient, bob: WorkstationClient):
    seq = ada.changes()["seq"]

    def wait(_: int) -> int:
        return ada.client.get("/changes", params={"after": seq, "wait": 25}).status_code

    with ThreadPoolExecutor(MOST_OF_A_TOKEN + 1) as pool:
        answers = [pool.submit(wait, number) for number in range(MOST_OF_A_TOKEN + 1)]
        refused, waiting = futures.wait(answers, timeout=20, return_when=FIRST_COMPLETED)
        assert [it.result() for it in refused] == [503]
        assert bob.client.get("/changes", params={"after": seq, "wait": 1}).status_code == 200
        ada.hand_over(HandedOver(os.urandom(50)))
        assert {it.result() for it in waiting} == {200}
    assert ada.changes(seq, wait=25)["calls"]


def test_what_happened_while_nobody_waited_is_told_later(server_store: Store, ada: WorkstationClient):
    calls = [HandedOver(os.urandom(50)) for _ in range(3)]
    for call in calls:
        ada.hand_over(call)
    seq = ada.changes()["seq"]
    for call in calls:
        record = server_store.records.of_session(call.session_id)
        assert record
        server_store.records.cancel(record.id)

    told = ada.changes(seq)

    assert [it["session_id"] for it in told["calls"]] == [call.session_id for call in calls]
    assert {it["status"] for it in told["calls"]} == {"cancelled"}
    assert ada.changes(told["seq"])["calls"] == []


def test_a_wait_without_news_ends_in_time(ada: WorkstationClient):
    seq = ada.changes()["seq"]
    begun_at = time.monotonic()

    told = ada.changes(seq, wait=1)

    assert told["calls"] == []
    assert 0.9 < time.monotonic() - begun_at < 10


def test_news_of_another_database_begin_at_the_start(ada: WorkstationClient):
    call = HandedOver(os.urandom(50))
    ada.hand_over(call)

    told = ada.changes(2**60)

    assert call.session_id in {it["session_id"] for it in told["calls"]}
    assert told["seq"] < 2**60


def test_much_news_comes_in_parts(server: DeskServer, server_store: Store):
    token = token_of(server_store, "maya")
    owner_id = server_store.people.get("maya").id
    with server_store.transaction():
        made = [
            server_store.records.add(source="capture", title="Call", recording_path="c", owner_id=owner_id)
            for _ in range(MOST_CALLS + 20)
        ]
    client = WorkstationClient(server.url, token, "aa" * 16)
    client.join()

    first = client.changes()
    rest = client.changes(first["seq"])

    assert (first["is_more"], rest["is_more"]) == (True, False)
    told = [it["record_id"] for it in (*first["calls"], *rest["calls"])]
    assert told == [record.id for record in made]
    client.close()


def test_news_end_when_the_server_stops(server: DeskServer, ada: WorkstationClient):
    seq = ada.changes()["seq"]
    waiting = in_a_thread(lambda: ada.changes(seq, wait=25))
    begun_at = time.monotonic()

    server.stop()

    try:
        assert waiting()["calls"] == []
        assert time.monotonic() - begun_at < 20
    finally:
        server.start()


@pytest.mark.parametrize("query", ["after=-1", "after=x", "wait=26", "wait=-1", "after=1e400"])
def test_a_wait_that_makes_no_sense_is_refused(ada: WorkstationClient, query: str):
    assert ada.client.get(f"/changes?{query}").status_code == 400


def test_of_many_that_wait_those_alone_are_told_whose_call_it_is(server: DeskServer, server_store: Store):
    people = [f"p{n}" for n in range(30)]
    tokens = {name: token_of(server_store, name) for name in people}
    for name, token in tokens.items():
        found = server_store.access.find(WORKSTATION, token)
        assert found
        server_store.access.join(found.id, "0f" * 16, name)
    owner_id = server_store.people.get("p7").id
    seq = server_store.changes.latest()

    answers = asyncio.run(wait_together(server.url, tokens, seq, lambda: _add(server_store, owner_id)))

    assert {name for name, answer in answers.items() if answer["calls"]} == {"p7"}
    assert all(answer["seq"] >= seq for answer in answers.values())


def _add(store: Store, owner_id: int) -> None:
    store.records.add(source="capture", title="Call", recording_path="c", owner_id=owner_id)
    store.disconnect()  # of this thread


async def wait_together(
    url: str, tokens: dict[str, str], seq: int, change: Callable[[], None]
) -> dict[str, dict[str, Any]]:
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=f"{url}{PREFIX}", timeout=60, limits=limits) as client:

        async def wait(name: str) -> tuple[str, dict[str, Any]]:
            headers = {"Authorization": f"Bearer {tokens[name]}"}
            query = {"after": seq, "wait": 5}
            answer = await client.get("/changes", params=query, headers=headers)
            assert answer.status_code == 200, answer.text
            return name, answer.json()

        waiting = [asyncio.create_task(wait(name)) for name in tokens]
        await asyncio.sleep(1)  # so that most of them wait; those that come later are told too
        await asyncio.to_thread(change)
        return dict(await asyncio.gather(*waiting))
