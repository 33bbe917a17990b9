"""Bob's workstation tries to get at Ada's calls: by address, by hash, by name, by search, by news."""

from __future__ import annotations

import os

import httpx
import msgspec
import pytest

from archive import bundle
from archive.team_messages import PREFIX
from shared.speakers import LOUDNESS, Label
from shared.store.access import ALL
from shared.store.store import Store
from shared.words import Segment, Word
from tests.desk import DeskServer
from tests.workstations import HandedOver, WorkstationClient, token_of

SECRET = "Zirkonium"


@pytest.fixture
def adas(server_store: Store, ada: WorkstationClient) -> HandedOver:
    """A call of Ada's with words that nobody else has."""
    call = HandedOver(os.urandom(30_000), facts={"title": "Ada's call"})
    record_id = ada.hand_over(call)["record_id"]
    claim = server_store.claims.claim(record_id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    said = Segment(0, 900, SECRET, (Word(0, 900, f" {SECRET}", 0.9),))
    server_store.claims.complete(claim, [said], [Label(0, 0, "me", LOUDNESS, 0.9)])
    return call


def refusals(client: WorkstationClient, call: HandedOver) -> dict[str, httpx.Response]:
    at = f"/calls/{call.session_id}"
    return {
        "offer": client.offer(call),
        "again": client.offer(call, again=True),
        "other": client.offer(HandedOver(b"other", call.session_id)),
        "chunk": client.send(call, 0),
        "commit": client.commit(call),
        "transcript": client.client.get(f"{at}/transcript"),
        "audio": client.client.get(f"{at}/audio"),
        "part": client.client.get(f"{at}/audio", headers={"Range": "bytes=0-9"}),
    }


def test_every_address_answers_for_a_call_of_another_as_for_one_that_is_not_there(
    server_store: Store, bob: WorkstationClient, adas: HandedOver
):
    before = server_store.records.of_session(adas.session_id)

    for what, answer in refusals(bob, adas).items():
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_call"), what

    unknown = HandedOver(b"none")
    for what in ("transcript", "audio"):
        theirs = bob.client.get(f"/calls/{adas.session_id}/{what}")
        nobodys = bob.client.get(f"/calls/{unknown.session_id}/{what}")
        assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)
    assert server_store.records.of_session(adas.session_id) == before


def test_a_call_that_another_is_sending_cannot_be_touched(
    server_store: Store, ada: WorkstationClient, bob: WorkstationClient
):
    call = HandedOver(os.urandom(2_000))
    ada.offer(call)
    ada.send(call, 0, 500)

    for what, answer in refusals(bob, call).items():
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_call"), what
    assert bob.client.delete(f"/calls/{call.session_id}").status_code == 204

    assert ada.offer(call).json()["offset"] == 500
    ada.send(call, 500)
    assert ada.commit(call).json()["state"] == "taken"


def test_deleting_a_call_of_another_deletes_nothing(
    server_store: Store, bob: WorkstationClient, adas: HandedOver
):
    assert bob.client.delete(f"/calls/{adas.session_id}").status_code == 204

    record = server_store.records.of_session(adas.session_id)
    assert record
    assert server_store.deletions.due_at([record.id]) == {}


def test_neither_news_nor_search_tell_of_calls_of_others(bob: WorkstationClient, adas: HandedOver):
    assert adas.session_id not in {it["session_id"] for it in bob.changes()["calls"]}
    assert bob.client.get("/search", params={"q": SECRET}).json()["hits"] == []


def test_a_token_for_all_calls_reads_them_and_changes_none(
    server: DeskServer, server_store: Store, adas: HandedOver
):
    client = WorkstationClient(server.url, token_of(server_store, "boss", ALL), "aa" * 16)
    client.join()

    words = bundle.from_json(client.client.get(f"/calls/{adas.session_id}/transcript").content)
    assert words.segments[0].text == SECRET
    assert client.client.get(f"/calls/{adas.session_id}/audio").content == adas.content
    assert adas.session_id in {it["session_id"] for it in client.changes()["calls"]}
    assert client.client.get("/search", params={"q": SECRET}).json()["hits"]
    assert client.offer(adas).status_code == 404
    assert client.client.delete(f"/calls/{adas.session_id}").status_code == 204

    record = server_store.records.of_session(adas.session_id)
    assert record
    assert server_store.deletions.due_at([record.id]) == {}
    read = [(it.action, it.person) for it in server_store.audit.entries(20, record_id=record.id)]
    assert {("read", "boss"), ("audio", "boss")} <= set(read)
    (search,) = server_store.audit.entries(20, person="boss", action="search")
    assert search.detail == SECRET
    client.close()


def test_a_lead_with_a_token_for_own_calls_sees_the_own_ones_alone(
    server: DeskServer, server_store: Store, adas: HandedOver
):
    token = token_of(server_store, "lena")
    server_store.people.set_role(server_store.people.get("lena").id, "admin")
    client = WorkstationClient(server.url, token)
    client.join()

    assert client.client.get(f"/calls/{adas.session_id}/transcript").status_code == 404
    assert client.client.get("/search", params={"q": SECRET}).json()["hits"] == []
    assert client.changes()["calls"] == []
    client.close()


def test_a_hash_of_another_gives_nothing_without_the_bytes(
    server_store: Store, bob: WorkstationClient, adas: HandedOver
):
    mine = HandedOver(b"\0" * len(adas.content))

    wanted = bob.offer(mine, sha256=adas.sha256).json()
    assert (wanted["state"], wanted["offset"]) == ("wanted", 0)
    bob.send(mine, 0)

    assert bob.commit(mine).json()["error"]["code"] == "hash_differs"
    assert server_store.records.of_session(mine.session_id) is None


def test_the_same_recording_of_two_people_is_two_records(
    server_store: Store, bob: WorkstationClient, adas: HandedOver
):
    mine = HandedOver(adas.content)

    record_id = bob.hand_over(mine)["record_id"]

    theirs = server_store.records.of_session(adas.session_id)
    assert theirs
    assert theirs.id != record_id
    assert theirs.storage_key != server_store.records.get(record_id).storage_key


@pytest.mark.parametrize(
    "session_id",
    [
        *("..", ".", "%2e%2e", "..%2f..%2foffhook.db", "a" * 5000, "%00", "1", "*", "' OR 1=1; --"),
        *("0" * 36, "00000000-0000-4000-8000-00000000000G", "00000000-0000-4000-8000-00000000000A"),
        *("00000000-0000-4000-8000-000000000000.", "00000000-0000-4000-8000-000000000000%0a"),
    ],
)
def test_a_session_id_is_a_uuid_and_no_path(server: DeskServer, ada: WorkstationClient, session_id: str):
    call = HandedOver(b"RIFF")
    before = sorted(server.stage.home.rglob("*"))
    for method, end in (("PUT", ""), ("PATCH", "/content"), ("POST", "/commit"), ("DELETE", "")):
        url = f"{server.url}{PREFIX}/calls/{session_id}{end}"
        content = call.as_json() if method == "PUT" else b"x"
        answer = ada.client.request(method, url, content=content)
        assert answer.status_code in (400, 403, 404, 405, 415), (method, answer.text)

    after = sorted(server.stage.home.rglob("*"))
    assert [it for it in after if it not in before and it.suffix not in (".db", ".db-wal", ".db-shm")] == []


@pytest.mark.parametrize(
    "facts",
    [
        *(
            {"suffix": it}
            for it in (".wav\n", "/../../x", ".wav/..", "\\x", ".WAV", ".a" * 20, "wav", ".wav\0")
        ),
        *({"sha256": it} for it in ("", "0" * 63, "../" + "0" * 61, "A" * 64)),
        *({"size_bytes": it} for it in (0, -1, 2**63, 1.5)),
        *({"created_at": it} for it in (-1, 1e300)),
        *({"source": it} for it in ("", "../", "A")),
        {"title": "x" * 501},
        {"flags": ["<b>"]},
        {"flags": ["x"] * 51},
        {"layout": "../x"},
        {"loudness": [{"minute": 0, "ticks_per_second": 10, "microphone": "A" * 9000, "loopback": ""}]},
        {"loudness": [{"minute": -1, "ticks_per_second": 10, "microphone": "", "loopback": ""}]},
        {"loudness": [{"minute": 0, "ticks_per_second": 10**9, "microphone": "", "loopback": ""}]},
    ],
    ids=str,
)
def test_facts_that_no_call_has_are_refused(ada: WorkstationClient, facts: dict[str, object]):
    call = HandedOver(b"RIFF")
    given = {**msgspec.json.decode(call.as_json()), **facts}

    answer = ada.client.put(f"/calls/{call.session_id}", content=msgspec.json.encode(given))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize("title", ["../../../etc/passwd", "a\0b", "\u202egpj.exe", "<script>", "  ", "CON"])
def test_a_title_is_only_a_title(server_store: Store, ada: WorkstationClient, title: str):
    call = HandedOver(os.urandom(100), facts={"title": title})

    record = server_store.records.get(ada.hand_over(call)["record_id"])

    assert record.title
    assert "\0" not in record.title
    assert record.storage_key
    assert call.session_id in record.storage_key
    assert ".." not in record.storage_key


def test_options_of_another_version_are_left_out_or_harmless(server_store: Store, ada: WorkstationClient):
    call = HandedOver(os.urandom(100), facts={"options": {"model": 5, "home": "/etc", "language": "de"}})

    record = server_store.records.get(ada.hand_over(call)["record_id"])

    assert record.options.get("language") == "de"
    assert "model" not in record.options


def test_two_repetitions_of_one_minute_are_refused_or_one(server_store: Store, ada: WorkstationClient):
    minute = {"minute": 3, "ticks_per_second": 10, "microphone": "AAAA", "loopback": "AAAA"}
    call = HandedOver(b"RIFF" * 9, facts={"layout": "mono"})
    given = {**msgspec.json.decode(call.as_json()), "loudness": [minute, minute]}

    ada.client.put(f"/calls/{call.session_id}", content=msgspec.json.encode(given))
    ada.send(call, 0)

    assert ada.commit(call).status_code == 200
    assert len(server_store.captures.minutes(call.session_id)) == 1


def test_a_body_over_the_limit_is_refused(ada: WorkstationClient):
    call = HandedOver(b"RIFF")

    answer = ada.client.put(f"/calls/{call.session_id}", content=b" " * 25_000_000)

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_much")
