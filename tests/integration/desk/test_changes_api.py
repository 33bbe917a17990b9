"""What pages and programs call to change speakers, replace words, undo, write notes and download files."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from archive.exports import FORMATS
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from tests.desk import DeskServer
from tests.integration.commands.spoken import CALL, spoken

ADA = "Hello Max, Aida loveless here."


def texts(client: httpx.Client, at: str) -> list[str]:
    return [it["text"] for it in client.get(f"{at}/transcript").json()["passages"]]


def names(client: httpx.Client, at: str) -> list[str]:
    return [it["name"] for it in client.get(f"{at}/transcript").json()["passages"]]


def edits(client: httpx.Client, at: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{at}/edits").json()["edits"]
    return found


def replace(client: httpx.Client, at: str, **given: object) -> dict[str, Any]:
    answer = client.post(f"{at}/replace", json={"old": "loveless", "new": "Lovelace", **given})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_each_speaker_has_a_share_and_a_sample_to_hear(client: httpx.Client, at: str) -> None:
    found = client.get(f"{at}/speakers").json()["speakers"]
    assert [(it["speaker"], it["name"], it["given"], it["words"]) for it in found] == [
        ("them", "Call with Ada", None, 11),
        ("me", "Me", None, 9),
    ]
    assert found[1]["sample"] == {"start_ms": 0, "end_ms": 2000, "text": "Good morning, this is Max."}


def test_a_speaker_is_named_and_words_are_given_to_another(client: httpx.Client, at: str) -> None:
    assert client.put(f"{at}/speakers", json={"speaker": "them", "name": " Ada  Lovelace "}).json() == {
        "name": "Ada Lovelace"
    }
    words = {"first_word": 10, "last_word": 15}
    given = client.post(f"{at}/speakers/assign", json={**words, "who": "Charles"}).json()
    assert given == {"speaker": "them 2"}
    assert names(client, at) == ["Me", "Ada Lovelace", "Charles", "Me"]
    assert {"Ada Lovelace", "Charles"} <= set(client.get(f"{at}/speakers").json()["known"])
    again = client.post(f"{at}/speakers/assign", json={**words, "who": "ada lovelace"}).json()
    assert again == {"speaker": "them"}
    swapped = client.post(f"{at}/speakers/swap", json={"one": "me", "other": "them"})
    assert swapped.json() == {"one": "me", "other": "them"}
    assert names(client, at) == ["Ada Lovelace", "Me", "Me", "Ada Lovelace"]
    assert client.put(f"{at}/speakers", json={"speaker": "voice 7", "name": "x"}).status_code == 404
    assert (
        client.post(f"{at}/speakers/assign", json={**words, "last_word": 99, "who": "me"}).status_code == 404
    )


def test_changes_are_undone_one_by_one_or_back_to_one(client: httpx.Client, at: str) -> None:
    before = (texts(client, at), names(client, at))
    client.put(f"{at}/speakers", json={"speaker": "them", "name": "Ada"})
    replace(client, at)
    client.post(f"{at}/confirm", json={"first_word": 0, "last_word": 3})
    assert [it["what"] for it in edits(client, at)] == ["confirm", "replace", "speaker"]
    undone = client.post(f"{at}/undo").json()
    assert (undone["undone"]["what"], undone["count"]) == ("confirm", 1)
    first = edits(client, at)[-1]
    undone = client.post(f"{at}/undo", json={"back_to": first["id"]}).json()
    assert (undone["undone"]["what"], undone["count"]) == ("replace", 2)
    assert (texts(client, at), names(client, at)) == before
    assert client.post(f"{at}/undo").json() == {"undone": None, "count": 0}
    assert client.post(f"{at}/undo", json={"back_to": first["id"]}).status_code == 409


def test_words_are_replaced_as_the_preview_shows_it(client: httpx.Client, at: str, record: Record) -> None:
    shown = replace(client, at, preview=True)
    assert shown["count"] == 2
    (mine,) = shown["records"]
    assert (mine["record_id"], mine["title"]) == (record.id, "Call with Ada")
    assert mine["places"][0] == {
        **{"start_ms": 6200, "before": "Hello Max, Aida ", "found": "loveless", "new": "Lovelace"},
        **{"after": " here. I wrote about the analytical", "first_word": 8},
    }
    assert texts(client, at)[1] == ADA
    assert replace(client, at, only=[{"record_id": record.id, "first_word": 19}])["count"] == 1
    assert texts(client, at)[1::2] == [ADA, "Thank you, Miss Lovelace."]
    assert replace(client, at)["count"] == 1
    assert replace(client, at) == {"count": 0, "records": []}
    assert texts(client, at)[1] == "Hello Max, Aida Lovelace here."


def test_words_are_replaced_everywhere(
    client: httpx.Client, at: str, desk: DeskServer, desk_store: Store
) -> None:
    other = spoken(Settings(home=desk.stage.home), desk_store, said=((("me"), "The engine of loveless."),))
    found = {
        it["record_id"]: it["count"] for it in replace(client, at, preview=True, everywhere=True)["records"]
    }
    assert found[other.id] == 1
    replace(client, at, everywhere=True)
    assert texts(client, f"/api/v1/records/{other.id}") == ["The engine of Lovelace."]
    assert replace(client, at, preview=True, everywhere=True)["records"] == []


def test_a_term_is_added_to_the_glossary_once(client: httpx.Client, desk: DeskServer) -> None:
    assert client.post("/api/v1/glossary", json={"term": " Ada  Lovelace "}).json() == {"is_new": True}
    assert client.post("/api/v1/glossary", json={"term": "Ada Lovelace"}).json() == {"is_new": False}
    assert client.post("/api/v1/glossary", json={"term": " # "}).status_code == 422
    assert Settings(home=desk.stage.home).glossary.read_text("utf-8") == "Ada Lovelace\n"


def test_notes_are_added_changed_and_deleted(client: httpx.Client, at: str) -> None:
    assert client.get(f"{at}/notes").json() == {"notes": []}
    later = client.post(f"{at}/notes", json={"at_ms": 9000, "text": "later"})
    assert later.status_code == 201
    client.post(f"{at}/notes", json={"at_ms": 83_000, "text": " <b>ask</b>\r\nher "})
    found = client.get(f"{at}/notes").json()["notes"]
    assert [(it["at_ms"], it["text"]) for it in found] == [(9000, "later"), (83_000, "<b>ask</b>\nher")]
    note = f"{at}/notes/{later.json()['id']}"
    assert client.patch(note, json={"text": "soon"}).json()["text"] == "soon"
    assert client.patch(note, json={"at_ms": 10}).json()["at_ms"] == 10
    assert client.patch(note, json={"text": " "}).status_code == 422
    assert client.delete(note).status_code == 204
    assert client.delete(note).status_code == 404
    assert client.patch(note, json={"text": "x"}).status_code == 404
    assert [it["at_ms"] for it in client.get(f"{at}/notes").json()["notes"]] == [83_000]


@pytest.mark.parametrize("form", FORMATS)
def test_a_transcript_is_downloaded_in_each_format(client: httpx.Client, at: str, form: str) -> None:
    answer = client.get(f"{at}/export/{form}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="Call with Ada.{form}"')
    content = answer.content
    if form == "docx":
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            content = file.read("word/document.xml")
    assert b"analytical engine" in content


@pytest.mark.parametrize(
    "title",
    [
        'a"; filename="evil.exe',
        "a\r\nSet-Cookie: x=y",
        "../../etc/passwd",
        "con",
        "Zoë, Łukasz & 李",
        "\u202etxt.exe",
        "%41%2e%2e",
        "👋" * 90,
        "..",
        "x\\y:z",
    ],
)
def test_no_title_becomes_more_than_a_name_of_a_file(
    client: httpx.Client, desk: DeskServer, desk_store: Store, title: str
) -> None:
    record = desk_store.records.add(source="inbox", title=title, recording_path="/x.wav")
    claim = desk_store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    desk_store.claims.complete(claim, ())
    answer = client.get(f"/api/v1/records/{record.id}/export/txt")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    found = re.fullmatch(
        r"attachment; filename=\"([A-Za-z0-9 ._()+,=@-]+)\"; filename\*=UTF-8''([A-Za-z0-9._~%-]+)",
        answer.headers["content-disposition"],
    )
    assert found
    for name in (found[1], unquote(found[2])):
        assert name.endswith(".txt")
        assert not re.search(r'[\x00-\x1f<>:"/\\|?*\u202e]', name)
        assert not re.match(r"(?i)(con|prn|aux|nul)\.", name)
        assert not name.startswith(".")


def test_what_is_not_completed_or_no_format_is_not_downloaded(
    client: httpx.Client, at: str, desk_store: Store, record: Record
) -> None:
    assert client.get(f"{at}/export/exe").status_code == 404
    desk_store.records.requeue(record.id)
    assert client.get(f"{at}/export/txt").status_code == 409
    assert CALL[0][1] in texts(client, at)
