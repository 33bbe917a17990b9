"""A workstation hands its calls over: over a real server, in chunks, whatever comes in between."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import msgspec
import pytest

from archive.storage.storage import storage_of
from archive.team_messages import CHUNK_BYTES, CHUNK_HASH, CHUNK_TYPE, OFFSET, CallFacts, Minute
from offhook.desk.desk import Desk
from offhook.desk.intake import Intake, Sender
from shared.errors import DiskFull
from shared.settings import Settings
from shared.speakers import LOUDNESS, Label
from shared.store.incoming import IncomingCall
from shared.store.store import Store
from shared.words import Segment, Word
from tests.desk import DeskServer
from tests.integration.team.conftest import settings_of
from tests.workstations import CREATED_AT, HandedOver, WorkstationClient, token_of

LOUD = [Minute(0, 10, b"\x10" * 600, b"\x20" * 600, b"\x01\x02" * 60)]


def parts_of(server: DeskServer, call: HandedOver) -> list[Path]:
    return list((server.stage.home / "uploads" / "calls").glob(f"{call.session_id}*"))


def test_a_call_becomes_a_record_of_its_person_with_its_recording_in_the_storage(
    server: DeskServer, server_store: Store, ada: WorkstationClient
):
    with_nul = "C\0"  # PostgreSQL takes none
    chosen = {"title": "Zoë", "candidate_id": with_nul, "options": {"language": "de"}}
    captured = {"layout": "mono", "loudness": LOUD, "flags": ["gaps_filled"], "verdict": {"a": 1}}
    call = HandedOver(os.urandom(300_000), facts=chosen | captured)

    wanted = ada.offer(call).json()
    assert (wanted["state"], wanted["offset"], wanted["chunk_bytes"]) == ("wanted", 0, CHUNK_BYTES)
    assert ada.send(call, 0, 100_000).headers[OFFSET] == "100000"
    assert ada.send(call, 100_000).headers[OFFSET] == "300000"
    taken = ada.commit(call).json()

    person = server_store.people.get("ada")
    record = server_store.records.of_session(call.session_id)
    assert record
    assert record.owner_id == person.id
    assert record.workstation == ada.host
    assert (record.title, record.candidate_id, record.flags) == ("Zoë", "C", ("gaps_filled",))
    assert (record.source, record.created_at, record.options) == ("capture", CREATED_AT, {"language": "de"})
    assert (taken["state"], taken["sha256"]) == ("taken", call.sha256)
    assert taken["record"]["session_id"] == call.session_id
    assert record.storage_key
    with storage_of(Settings(home=server.stage.home)).open(record.storage_key) as stored:
        assert stored.read() == call.content
    levels = server_store.captures.levels(call.session_id)
    assert levels
    assert (levels.microphone, levels.echo) == (b"\x10" * 600, b"\x01\x02" * 60)
    assert server_store.captures.verdict(call.session_id) == {"a": 1}
    assert parts_of(server, call) == []
    assert server_store.objects.ordered() == []


def test_every_step_can_be_repeated(server_store: Store, ada: WorkstationClient):
    call = HandedOver(b"RIFF" * 1000)
    ada.offer(call)
    ada.send(call, 0, 1000)

    assert ada.offer(call).json()["offset"] == 1000
    again = ada.send(call, 0, 1000)
    assert (again.status_code, again.headers[OFFSET]) == (409, "1000")
    ada.send(call, 1000)
    first, second = ada.commit(call).json(), ada.commit(call).json()

    assert first["record"]["record_id"] == second["record"]["record_id"]
    assert ada.offer(call).json()["record"]["record_id"] == first["record"]["record_id"]
    assert server_store.incoming.find(call.session_id) is None


def test_a_damaged_chunk_leaves_nothing(ada: WorkstationClient):
    call = HandedOver(os.urandom(50_000))
    ada.offer(call)

    refused = ada.send(call, 0, 20_000, digest=hashlib.sha256(b"other").hexdigest())

    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "chunk_damaged")
    assert ada.offer(call).json()["offset"] == 0


def test_another_recording_than_was_declared_is_discarded(server: DeskServer, ada: WorkstationClient):
    call = HandedOver(os.urandom(5_000))
    ada.offer(call, sha256=hashlib.sha256(b"declared").hexdigest())
    ada.send(call, 0)

    refused = ada.commit(call)

    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "hash_differs")
    assert parts_of(server, call) == []
    early = ada.commit(call)
    assert (early.status_code, early.headers[OFFSET]) == (409, "0")


def test_another_recording_of_a_call_that_the_server_has_is_refused(ada: WorkstationClient):
    call = HandedOver(b"one" * 500)
    ada.hand_over(call)

    other = HandedOver(b"two" * 500, call.session_id)

    assert ada.offer(other).json()["error"]["code"] == "content_differs"


def test_a_recording_that_changes_before_it_is_whole_is_sent_from_the_start(ada: WorkstationClient):
    call = HandedOver(b"one" * 500)
    ada.offer(call)
    ada.send(call, 0, 700)
    other = HandedOver(b"two" * 600, call.session_id)

    assert ada.offer(other).json()["offset"] == 0
    ada.send(other, 0)
    assert ada.commit(other).json()["state"] == "taken"


@pytest.mark.parametrize("begin", [0, 1000])
def test_of_two_that_send_the_same_chunk_one_wins(ada: WorkstationClient, begin: int):
    call = HandedOver(os.urandom(2_000_000))
    ada.offer(call)
    ada.send(call, 0, begin)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ada.send(call, begin), range(4)))

    assert sorted(it.status_code for it in answers) == [204, 409, 409, 409]
    assert ada.commit(call).status_code == 200


def test_two_commits_at_once_make_one_record(server_store: Store, ada: WorkstationClient):
    call = HandedOver(os.urandom(3_000_000))
    ada.offer(call)
    ada.send(call, 0)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ada.commit(call), range(4)))

    assert [it.status_code for it in answers] == [200] * 4
    assert len({it.json()["record"]["record_id"] for it in answers}) == 1


@pytest.mark.parametrize(
    ("begin", "size"),
    [(0, 10_001), (1, 1), (10_001, 1), (2**62, 1), (0, CHUNK_BYTES + 1)],
)
def test_bytes_that_have_no_place_are_refused(ada: WorkstationClient, begin: int, size: int):
    call = HandedOver(os.urandom(10_000))
    ada.offer(call)
    headers = {
        OFFSET: str(begin),
        "Content-Type": CHUNK_TYPE,
        CHUNK_HASH: "0" * 64,
    }

    answer = ada.client.patch(f"/calls/{call.session_id}/content", content=b"x" * size, headers=headers)

    assert answer.status_code in (400, 409, 422)
    assert ada.offer(call).json()["offset"] == 0


@pytest.mark.parametrize("offset", ["-1", "1e3", "", "0x1", "99999999999999999999", "1 1"])
def test_an_offset_that_is_no_number_is_refused(ada: WorkstationClient, offset: str):
    call = HandedOver(b"RIFF")
    ada.offer(call)
    headers = {OFFSET: offset, "Content-Type": CHUNK_TYPE, CHUNK_HASH: "0" * 64}

    answer = ada.client.patch(f"/calls/{call.session_id}/content", content=b"RIFF", headers=headers)

    assert answer.status_code in (400, 409)


def test_a_finished_call_is_transcribed_again_when_a_person_wants_that(
    server_store: Store, ada: WorkstationClient
):
    call = HandedOver(b"RIFF" * 10)
    record_id = ada.hand_over(call)["record_id"]
    completed(server_store, record_id)

    assert ada.offer(call).json()["record"]["status"] == "completed"
    again = ada.offer(call, again=True, options={"language": "fr"}).json()["record"]

    assert again["status"] == "queued"
    assert server_store.records.get(record_id).options == {"language": "fr"}


def test_a_call_that_is_deleted_is_gone_with_what_has_arrived(
    server: DeskServer, server_store: Store, ada: WorkstationClient
):
    arriving, whole = HandedOver(b"RIFF" * 10), HandedOver(b"RIFF" * 20)
    ada.offer(arriving)
    ada.send(arriving, 0, 7)
    record_id = ada.hand_over(whole)["record_id"]

    for call in (arriving, whole, HandedOver(b"never seen")):
        assert ada.client.delete(f"/calls/{call.session_id}").status_code == 204

    assert server_store.incoming.find(arriving.session_id) is None
    assert parts_of(server, arriving) == []
    assert wait_for_deletion(ada, whole.session_id)["record_id"] == record_id


def wait_for_deletion(client: WorkstationClient, session_id: str) -> dict[str, object]:
    seq = 0
    for _ in range(40):
        found = client.changes(seq, wait=1)
        seq = found["seq"]
        for it in found["calls"]:
            if it["session_id"] == session_id and it["is_deleted"]:
                return dict(it)
    raise AssertionError("the deletion was never told")


def completed(store: Store, record_id: int) -> None:
    """Let a worker transcribe a record."""
    claim = store.claims.claim(record_id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    words = (Word(0, 400, " Good", 0.9), Word(400, 900, " morning", 0.8))
    segments = [Segment(0, 900, "Good morning", words)]
    store.claims.complete(claim, segments, [Label(0, 1, "me", LOUDNESS, 0.9)], language="en")


def test_the_transcript_and_the_recording_come_back(server_store: Store, ada: WorkstationClient):
    from archive import bundle

    call = HandedOver(os.urandom(400_000))
    record_id = ada.hand_over(call)["record_id"]
    early = ada.client.get(f"/calls/{call.session_id}/transcript")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "state_conflict")
    completed(server_store, record_id)

    found = bundle.from_json(ada.client.get(f"/calls/{call.session_id}/transcript").content)
    whole = ada.client.get(f"/calls/{call.session_id}/audio")
    part = ada.client.get(f"/calls/{call.session_id}/audio", headers={"Range": "bytes=100-199"})

    assert found == bundle.load(server_store, record_id)
    assert whole.content == call.content
    assert (part.status_code, part.content) == (206, call.content[100:200])


def test_words_are_found_in_the_calls_of_the_person(server_store: Store, ada: WorkstationClient):
    call = HandedOver(b"RIFF" * 30)
    completed(server_store, ada.hand_over(call)["record_id"])

    hits = ada.client.get("/search", params={"q": "morning"}).json()["hits"]

    assert call.session_id in {hit["session_id"] for hit in hits}
    assert all("morning" in hit["snippet"] for hit in hits)


def test_a_token_joins_from_one_host_alone(server: DeskServer, server_store: Store):
    client = WorkstationClient(server.url, token_of(server_store, "cleo"))

    early = client.offer(HandedOver(b"RIFF"))
    joined = client.join()
    again, elsewhere = client.join(), client.join("ee" * 16)

    assert (early.status_code, early.json()["error"]["code"]) == (403, "not_joined")
    assert joined.json()["person"] == {"name": "cleo", "shown_name": "cleo"}
    assert joined.json()["scopes"] == ["own"]
    assert again.status_code == 200
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (403, "token_in_use")
    assert server_store.access.every("workstation")[-1].workstation == client.host
    client.close()


def test_a_recording_over_the_limit_is_refused_before_it_is_sent(ada: WorkstationClient):
    refused = ada.offer(HandedOver(b"RIFF"), size_bytes=10**15)

    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "largest_file_gb")


def test_a_call_for_which_the_disk_has_no_room_waits(server: DeskServer, server_store: Store):
    call = HandedOver(b"RIFF" * 100)
    facts = msgspec.json.decode(call.as_json(), type=CallFacts)
    home = settings_of(server.stage)
    with Desk({"home": home.home, "database": home.database}) as desk:
        spare_bytes = 1 << 60  # no disk has so much left
        with pytest.raises(DiskFull):
            Intake(desk, Sender(1, "0f" * 16, 1), spare_bytes).offer(call.session_id, facts)

        found = Intake(desk, Sender(1, "0f" * 16, 1), 0).offer(call.session_id, facts)
        assert isinstance(found, IncomingCall)
        with pytest.raises(DiskFull):
            Intake(desk, Sender(1, "0f" * 16, 1), spare_bytes).append(found, 0, [b"RI", b"FF"])
        assert Intake(desk, Sender(1, "0f" * 16, 1), 0).offset(found) == 0


def test_an_address_of_the_team_needs_a_token(server: DeskServer):
    answer = httpx.get(f"{server.url}/api/v1/team/changes")

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_signed_in")
