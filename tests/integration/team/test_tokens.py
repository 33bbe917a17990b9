"""Tokens of workstations: what they open, to whom they belong, and that a revoked one ends what is open."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from archive.team_messages import CHUNK_HASH, CHUNK_TYPE, OFFSET
from offhook.web.api import ENDPOINTS
from offhook.web.gate import TEAM_FOLDER
from shared.store.access import ALL, WORKSTATION
from shared.store.people import LEAD
from shared.store.store import Store
from tests.desk import DeskServer
from tests.stage import ROOT
from tests.workstations import HandedOver, WorkstationClient, token_of

SESSION = "00000000-0000-4000-8000-000000000000"
WITHIN_SECONDS = 5.0


@pytest.fixture
def eve(server: DeskServer, server_store: Store) -> Iterator[WorkstationClient]:
    """A workstation whose token is going to be revoked."""
    client = WorkstationClient(server.url, token_of(server_store, "eve"), "ee" * 16)
    assert client.join().status_code == 200
    yield client
    client.close()


def revoke(server: DeskServer, store: Store, client: WorkstationClient) -> None:
    """Revoke a token as a person does, in another process."""
    found = store.access.find(WORKSTATION, client.token, is_use=False)
    assert found
    command = [sys.executable, "-m", "offhook", "token", "revoke", str(found.id)]
    environment = server.stage.environment
    subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=60, capture_output=True)


def test_the_command_line_makes_lists_and_revokes_them(server: DeskServer, server_store: Store):
    token_of(server_store, "dora")
    made = json.loads(offhook(server, "create", "--workstation", "--person", "dora", "--sees", "all"))
    client = WorkstationClient(server.url, made["token"], "d0" * 16)
    assert client.join().json()["scopes"] == ["all"]
    (listed,) = [it for it in json.loads(offhook(server, "list"))["tokens"] if it["id"] == made["id"]]

    offhook(server, "revoke", str(made["id"]), as_json=False)

    assert (listed["kind"], listed["person"], listed["workstation"]) == ("workstation", "dora", "d0" * 16)
    assert listed["last_used_at"]
    assert client.client.get("/changes").status_code == 401
    client.close()


def offhook(server: DeskServer, *words: str, as_json: bool = True) -> str:
    done = server.stage.offhook("token", *words, *(["--json"] if as_json else []))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_workstation_needs_a_person_and_has_no_scope_of_programs(server: DeskServer):
    for words in (
        ("create", "--workstation"),
        ("create", "--workstation", "--person", "ada", "--scope", "read"),
        ("create", "mine", "--sees", "all"),
        ("create",),
    ):
        assert server.stage.offhook("token", *words).returncode == 2


def test_an_expired_token_opens_nothing(server: DeskServer, server_store: Store):
    person = server_store.people.named("ada") or server_store.people.add("ada", LEAD)
    secret = server_store.access.add(WORKSTATION, "own", lives_seconds=-1.0, person_id=person.id)
    client = WorkstationClient(server.url, secret)

    assert client.join().status_code == 401
    client.close()


def test_a_token_of_a_disabled_or_removed_person_opens_nothing(server: DeskServer, server_store: Store):
    client = WorkstationClient(server.url, token_of(server_store, "gone"))
    assert client.join().status_code == 200
    person = server_store.people.get("gone")

    server_store.people.disable(person.id)
    assert client.client.get("/changes").status_code == 401
    server_store.people.enable(person.id)
    assert client.client.get("/changes").status_code == 200
    server_store.people.remove(person.id)
    assert client.client.get("/changes").status_code == 401
    client.close()


def test_a_token_without_a_person_opens_nothing(server: DeskServer, server_store: Store):
    client = WorkstationClient(server.url, server_store.access.add(WORKSTATION, ALL))

    assert client.join().status_code in (401, 403)
    assert client.client.get("/changes").status_code in (401, 403)
    assert client.client.get("/search", params={"q": "a"}).status_code in (401, 403)
    client.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_a_workstation_opens_nothing_but_its_own_addresses(ada: WorkstationClient, method: str):
    url = str(ada.client.base_url).partition("/api/")[0]
    others = [it.path for it in ENDPOINTS if not it.path.startswith(TEAM_FOLDER)]
    for path in ("/", "/records/1", "/search", "/recorder", "/api/v1/teamx", *others):
        plain = path.replace("{", "").replace("}", "").replace(":str", "")
        answer = httpx.request(method, url + plain, headers={"Authorization": f"Bearer {ada.token}"})
        assert answer.status_code in (401, 403, 303), path


def test_others_open_no_address_of_workstations(server: DeskServer, server_store: Store):
    person = server_store.people.named("lea") or server_store.people.add("lea", LEAD)
    program = server_store.access.add("token", "read write", name="script", person_id=person.id)
    session = server_store.access.add("session", "read write", person_id=person.id)
    as_program = {"Authorization": f"Bearer {program}"}
    as_page = {"Cookie": f"offhook_{server.port}={session}", "X-CSRF-Token": "0" * 64}
    for endpoint in ENDPOINTS:
        if not endpoint.path.startswith(TEAM_FOLDER):
            continue
        url = server.url + endpoint.path.replace("{session_id:str}", SESSION)
        for headers in (as_program, as_page):
            answer = httpx.request(endpoint.method, url, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope"), endpoint.path


def test_a_revoked_token_ends_a_long_poll_within_five_seconds(
    server: DeskServer, server_store: Store, eve: WorkstationClient
):
    seq = eve.changes()["seq"]
    answers: list[httpx.Response] = []
    query = {"after": seq, "wait": 25}
    waiting = threading.Thread(target=lambda: answers.append(eve.client.get("/changes", params=query)))
    waiting.start()
    revoke(server, server_store, eve)
    revoked_at = time.monotonic()
    waiting.join(25)

    assert answers[0].status_code == 401
    assert answers[0].json()["error"]["code"] == "not_signed_in"
    assert time.monotonic() - revoked_at < WITHIN_SECONDS
    assert eve.offer(HandedOver(b"RIFF")).status_code == 401


def dribble(connection: socket.socket, content: bytes, ended: threading.Event) -> None:
    """Send a few bytes now and then, until the other side has closed the connection."""
    with suppress(OSError):
        for place in range(0, len(content), 100):
            connection.sendall(content[place : place + 100])
            if ended.wait(0.05):
                return


def test_a_revoked_token_ends_a_slow_upload_and_the_next_chunk(
    server: DeskServer, server_store: Store, eve: WorkstationClient
):
    call = HandedOver(b"RIFF" * 100_000)
    eve.offer(call)
    head = (
        f"PATCH {TEAM_FOLDER}calls/{call.session_id}/content HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {eve.token}\r\n{OFFSET}: 0\r\nContent-Type: {CHUNK_TYPE}\r\n"
        f"{CHUNK_HASH}: {call.sha256}\r\nContent-Length: {len(call.content)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode())
        ended = threading.Event()
        dribbling = threading.Thread(target=dribble, args=(connection, call.content, ended))
        dribbling.start()
        revoke(server, server_store, eve)
        revoked_at = time.monotonic()
        connection.recv(1000)  # an answer, or the end
        took = time.monotonic() - revoked_at
        ended.set()
        dribbling.join()

    assert took < WITHIN_SECONDS
    assert eve.send(call, 0).status_code == 401
    arriving = server_store.incoming.find(call.session_id)
    assert arriving
    assert not any((server.stage.home / "uploads" / "calls").glob(f"{call.session_id}*"))
