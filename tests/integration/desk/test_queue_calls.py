"""What programs and pages call to see the queue and to change it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from offhook.desk.removing import UNDO_SECONDS
from shared.settings import Settings
from shared.store.store import Store
from tests.desk import DeskServer
from tests.integration.commands.calling import one_in_each_state
from tests.integration.erasing.calls import make_call
from tests.waiting import until


def add(store: Store, title: str, **columns: Any) -> int:
    return store.records.add(source="added", title=title, recording_path=f"/{title}.wav", **columns).id


def results(answer: httpx.Response) -> dict[int, str]:
    assert answer.status_code == 200, answer.text
    return {it["id"]: it["status"] or it["error"]["code"] for it in answer.json()["results"]}


def test_a_page_of_recordings_has_rows_counts_and_the_last_change(client: httpx.Client, desk_store: Store):
    ids = one_in_each_state(desk_store)
    page = client.get("/api/v1/records", params={"status": "failed", "q": "FAILED", "sort": "title"}).json()

    assert [row["id"] for row in page["records"]] == [ids["failed"]]
    assert page["records"][0]["remedy"]
    assert (page["total"], page["counts"]["failed"], page["seq"]) == (1, 1, desk_store.changes.latest())
    assert client.get(f"/api/v1/records/{ids['queued']}").json()["title"] == "queued"


def test_the_order_of_all_and_rows_of_some(client: httpx.Client, desk_store: Store):
    ids = [add(desk_store, f"ordered {number}") for number in range(3)]
    found = client.get("/api/v1/records/order", params={"q": "ordered", "sort": "title"}).json()
    rows = client.get("/api/v1/records/rows", params={"ids": f"{ids[1]},{ids[0]},999999"}).json()

    assert found["ids"] == ids
    assert sorted(row["title"] for row in rows["records"]) == ["ordered 0", "ordered 1"]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "lost"},
        {"sort": "recording_path"},
        {"limit": "0"},
        {"limit": "501"},
        {"offset": "-1"},
        {"q": "x" * 1001},
    ],
)
def test_a_wrong_filter_is_refused(client: httpx.Client, query: dict[str, str]):
    assert client.get("/api/v1/records", params=query).status_code == 400


@pytest.mark.parametrize("ids", ["", "x", "1,", "-1", "1" * 19, ",".join("1" * 501)])
def test_wrong_numbers_are_refused(client: httpx.Client, ids: str):
    assert client.get("/api/v1/records/rows", params={"ids": ids}).status_code == 400


def test_several_are_changed_each_with_its_own_result(client: httpx.Client, desk_store: Store):
    ids = one_in_each_state(desk_store)

    assert results(client.post("/api/v1/records/cancel", json={"ids": [*ids.values(), 999999]})) == {
        ids["completed"]: "state_conflict",
        ids["failed"]: "cancelled",
        ids["cancelled"]: "state_conflict",
        ids["processing"]: "cancelled",
        ids["queued"]: "cancelled",
        999999: "record_not_found",
    }
    again = {"ids": [ids["failed"]], "options": {"language": "de"}}
    assert results(client.post("/api/v1/records/retry", json=again)) == {ids["failed"]: "queued"}
    assert desk_store.records.get(ids["failed"]).options == {"language": "de"}
    first = {"ids": [ids["failed"]], "where": "first"}
    assert results(client.post("/api/v1/records/move", json=first)) == {ids["failed"]: "queued"}
    assert desk_store.records.due(1)[0].id == ids["failed"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("retry", {"ids": [1], "options": {"language": "xx"}}, 422),
        ("retry", {"ids": [1], "options": {"home": "/tmp"}}, 422),
        ("move", {"ids": [1], "where": "last"}, 400),
        ("cancel", {"ids": "1"}, 400),
        ("cancel", {"ids": [-1]}, 400),
        ("cancel", {}, 400),
    ],
)
def test_a_wrong_change_is_refused(client: httpx.Client, path: str, body: object, status: int):
    assert client.post(f"/api/v1/records/{path}", json=body).status_code == status


def test_a_deletion_is_undone(client: httpx.Client, desk_store: Store):
    record_id = add(desk_store, "deleted")
    assert results(client.post("/api/v1/records/delete", json={"ids": [record_id]})) == {record_id: "queued"}
    assert client.get(f"/api/v1/records/{record_id}").json()["deletion_due_at"]
    assert client.get("/api/v1/records", params={"q": "deleted"}).json()["total"] == 0

    assert results(client.post("/api/v1/records/undelete", json={"ids": [record_id]})) == {
        record_id: "queued"
    }
    assert client.get("/api/v1/records", params={"q": "deleted"}).json()["total"] == 1


def test_the_server_carries_out_a_deletion_when_it_is_due_although_no_worker_runs(
    desk: DeskServer, client: httpx.Client, desk_store: Store
):
    settings = Settings(home=desk.stage.home)
    record = make_call(settings, desk_store, "doomed", "harbour")
    assert results(client.post("/api/v1/records/delete", json={"ids": [record.id]}))
    due_at = desk_store.deletions.due_at([record.id])[record.id]
    assert desk_store.records.get(record.id) == record

    desk_store.deletions.remove([record.id])
    desk_store.deletions.add(record.id, due_at - UNDO_SECONDS)  # as if its time had come
    until(lambda: desk_store.records.find(record.id) is None, "the recording is deleted")
    assert not Path(record.recording_path).exists()
    assert list(settings.library.rglob("doomed*")) == []


def test_a_description_is_changed_in_part(client: httpx.Client, desk_store: Store):
    record_id = add(desk_store, "old", candidate_id="C-1", project_id="P-1")
    address = f"/api/v1/records/{record_id}"

    row = client.patch(address, json={"title": "new", "candidate_id": None}).json()

    assert (row["title"], row["candidate_id"], row["project_id"]) == ("new", None, "P-1")
    assert client.patch(address, json={"title": " "}).json()["error"]["code"] == "bad_description"
    assert client.patch(address, json={"title": 3}).status_code == 400
    assert client.patch("/api/v1/records/999999", json={"title": "x"}).status_code == 404


def test_the_queue_is_paused_and_goes_on(client: httpx.Client):
    assert client.post("/api/v1/queue/pause").status_code == 204
    assert client.get("/api/v1/queue").json()["paused"] is True
    assert client.post("/api/v1/queue/resume").status_code == 204
    assert client.get("/api/v1/queue").json()["paused"] is False
