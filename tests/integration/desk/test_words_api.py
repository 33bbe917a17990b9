"""What pages and programs call to read and change a transcript."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.commands.spoken import CALL, say_again

RECORD = "/api/v1/records"


def passages(client: httpx.Client, at: str, **query: int) -> list[dict[str, Any]]:
    answer = client.get(f"{at}/transcript", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["passages"]
    return found


def put(client: httpx.Client, at: str, passage: dict[str, Any], text: str) -> httpx.Response:
    body = {"text": text, "base": passage["version"], "last_word": passage["last_word"]}
    return client.put(f"{at}/passages/{passage['first_word']}", json=body)


def test_a_transcript_is_read_by_its_outline_and_in_windows(client: httpx.Client, at: str) -> None:
    outline = client.get(f"{at}/transcript/outline").json()
    assert [start for start, _ in outline["segments"]] == [0, 5000, 10_000, 15_000]
    assert outline["words"] == 20
    window = client.get(f"{at}/transcript", params={"first": 1, "count": 2}).json()
    assert (window["first"], window["total"], window["version"]) == (1, 4, outline["version"])
    first = window["passages"][0]
    assert first["text"] == "Hello Max, Aida loveless here."
    assert (first["speaker"], first["name"], first["segment"]) == ("them", "Call with Ada", 1)
    assert first["tokens"][2] == [7, 7, 5800, 6150, 11, 4, 0.9, 0]


def test_a_text_is_stored_and_the_second_of_two_is_refused_with_the_present_one(
    client: httpx.Client, at: str
) -> None:
    base = passages(client, at)[1]
    done = put(client, at, base, "Hello Max, Ada Lovelace here.")
    assert done.status_code == 200
    assert [it["text"] for it in done.json()["passages"]] == ["Hello Max, Ada Lovelace here."]
    refused = put(client, at, base, "Hello Max, Aida Lovelace here.")
    assert refused.status_code == 409
    error = refused.json()["error"]
    assert error["code"] == "passage_changed"
    assert error["details"]["passages"] == passages(client, at)[1:2]
    assert client.get(f"{at}/passages/5/heard").json()["text"] == "Hello Max, Aida loveless here."


def test_a_draft_is_kept_with_its_passage_until_it_is_dropped(client: httpx.Client, at: str) -> None:
    base = passages(client, at)[0]
    kept = client.put(f"{at}/passages/0/draft", json={"text": "Good", "base": base["version"]})
    assert (kept.status_code, kept.content) == (204, b"")
    assert passages(client, at)[0]["draft"] == "Good"
    assert client.delete(f"{at}/passages/0/draft").status_code == 204
    assert passages(client, at)[0]["draft"] is None


def test_words_are_confirmed_and_restored(client: httpx.Client, at: str) -> None:
    words = {"first_word": 5, "last_word": 9}
    (found,) = client.post(f"{at}/confirm", json=words).json()["passages"]
    assert [it[7] for it in found["tokens"]] == [2] * 5
    (found,) = client.post(f"{at}/restore", json=words).json()["passages"]
    assert [it[7] for it in found["tokens"]] == [0] * 5


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/passages/0", {"text": "x" * 20_001, "base": "x", "last_word": 4}, 400),
        ("PUT", "/passages/0", {"text": "x", "base": "x"}, 400),
        ("PUT", "/passages/zero", {"text": "x", "base": "x", "last_word": 4}, 404),
        ("PUT", "/passages/0/draft", {"text": 7, "base": "x"}, 400),
        ("POST", "/confirm", {"first_word": -1, "last_word": 4}, 400),
        ("POST", "/confirm", {"first_word": 4, "last_word": 3}, 404),
        ("GET", "/transcript?count=501", None, 400),
        ("GET", "/passages/999/heard", None, 404),
    ],
)
def test_what_cannot_be_taken_is_refused_and_changes_nothing(
    client: httpx.Client, at: str, method: str, path: str, body: object, status: int
) -> None:
    before = passages(client, at)
    assert client.request(method, at + path, json=body).status_code == status
    assert passages(client, at) == before


def test_a_record_says_what_is_known_of_it_beside_its_words(
    client: httpx.Client, at: str, record: Record, desk_store: Store
) -> None:
    client.put(f"{at}/passages/5/draft", json={"text": "typed", "base": "x"})
    client.post(f"{at}/notes", json={"at_ms": 9, "text": "ask"})
    client.post(f"{at}/confirm", json={"first_word": 5, "last_word": 9})
    found = client.get(at).json()
    assert (found["id"], found["title"], found["edits"]) == (record.id, "Call with Ada", 1)
    assert found["names"] == {"them": "Call with Ada"}
    assert [it["speaker"] for it in found["cast"]] == ["them", "me"]
    assert [it["text"] for it in found["notes"]] == ["ask"]
    assert (found["unplaced"], found["orphan_drafts"]) == ([], [])
    said = [(who, f"So {text}") for who, text in CALL]
    say_again(
        Settings(home=desk_store.database.path.parent),
        desk_store,
        desk_store.records.requeue(record.id),
        said,
    )
    found = client.get(at).json()
    assert [it["text"] for it in found["orphan_drafts"]] == ["typed"]


def test_a_record_that_there_is_not_has_no_transcript(client: httpx.Client) -> None:
    for path in ("/transcript", "/transcript/outline"):
        assert client.get(f"{RECORD}/999999{path}").status_code == 404
