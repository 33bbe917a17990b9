"""Attacks on the desk: by strangers, with stolen or junk secrets, with paths, by breaking the protocol."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Route
from starlette.types import Message

from offhook.web.exchange import RECHECK_SECONDS, Exchange
from offhook.web.gate import OPEN_FOLDERS, OPEN_PATHS
from offhook.web.openapi import PATH as DESCRIPTION
from offhook.web.server import MOST_CONNECTIONS
from offhook.web.visitors import csrf_of
from shared.settings import Settings
from shared.store.access import READ, TOKEN, WRITE
from shared.store.store import Store
from tests import tables
from tests.desk import DeskServer
from tests.integration.commands.spoken import spoken
from tests.waiting import until

READING = {"GET", "HEAD", "OPTIONS"}
CANARY = "a file outside, which nobody may read"


@pytest.fixture(scope="module")
def addresses(all_routes: list[Route]) -> list[tuple[str, str]]:
    """Every method of every address, with a number or a name where a parameter is."""
    return sorted(
        (method, re.sub(r"\{[^}]*\}", "1", route.path))
        for route in all_routes
        for method in route.methods or {"GET"}
    )


@pytest.fixture
def stranger(desk: DeskServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=desk.url) as client:
        yield client


@pytest.fixture
def going(client: httpx.Client) -> Iterator[None]:
    """The queue is not paused, also at the end."""
    client.post("/api/v1/queue/resume")
    yield
    assert not client.get("/api/v1/queue").json()["paused"]


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


# Every address


def test_no_address_answers_a_stranger(stranger: httpx.Client, addresses: list[tuple[str, str]]):
    closed = [(method, path) for method, path in addresses if not is_open(path)]
    assert len(closed) > 40
    assert {it: stranger.request(*it).status_code for it in closed} == dict.fromkeys(closed, 401)


def test_no_address_is_changed_without_the_token_of_its_page(
    client: httpx.Client, addresses: list[tuple[str, str]]
):
    changing = [it for it in addresses if it[0] not in READING and not is_open(it[1])]
    assert len(changing) > 20
    for wrong in ("", "0" * 64):
        headers = {"X-CSRF-Token": wrong}
        answers = {it: client.request(*it, headers=headers).status_code for it in changing}
        assert answers == dict.fromkeys(changing, 403)


def test_no_address_is_changed_by_a_token_that_may_only_read(
    desk_store: Store, stranger: httpx.Client, addresses: list[tuple[str, str]]
):
    stranger.headers["Authorization"] = f"Bearer {desk_store.access.add(TOKEN, READ)}"
    changing = [it for it in addresses if it[0] not in READING and not is_open(it[1])]
    assert {it: stranger.request(*it).status_code for it in changing} == dict.fromkeys(changing, 403)


def test_no_address_is_reached_under_another_name_or_from_another_site(
    client: httpx.Client, desk: DeskServer, addresses: list[tuple[str, str]]
):
    for headers, status in (
        ({"Host": f"evil.test:{desk.port}"}, 421),
        ({"Origin": "https://evil.test"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403),  # another port of this machine
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "embed"}, 403),
    ):
        answers = {it: client.request(*it, headers=headers).status_code for it in addresses}
        assert answers == dict.fromkeys(addresses, status), headers


def test_another_site_may_open_a_page_and_nothing_else(
    client: httpx.Client, addresses: list[tuple[str, str]]
):
    opened = {
        "Sec-Fetch-Site": "same-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    for method, path in addresses:
        is_page = method == "GET" and not path.startswith(("/api/", "/v1/"))
        assert (client.request(method, path, headers=opened).status_code == 403) != is_page, (method, path)


# Secrets


def test_a_secret_is_looked_up_by_its_hash_and_never_compared(store: Store):
    """So the time of a wrong one tells nothing of a right one: the hash of a near miss is another hash."""
    secret = store.access.add(TOKEN, READ)
    near = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    asked: list[str] = []
    connection = store.database.connections.connection()
    connection.set_trace_callback(asked.append)
    assert store.access.find(TOKEN, near) is None
    connection.set_trace_callback(None)
    (query,) = [it for it in asked if it.startswith("SELECT")]
    assert sha256(near.encode()).hexdigest() in query
    assert secret[:20] not in query
    plan = [row[3] for row in tables.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert plan == ["SEARCH t1 USING INDEX access_digest (digest=?)"]


@pytest.mark.parametrize(
    "junk",
    [
        *("", ";", "=", "a", "a=b=c", "a b=c", '{"a":1}=[', "a=\x01", "é=ü", "\xff\xfe", "x" * 8000),
        *("$Version=1", '="', 'a="unclosed', "a=1;" * 500, "__proto__=1", "Path=/; HttpOnly", ", ,"),
    ],
    ids=lambda it: ascii(it)[:20],
)
def test_cookies_of_other_programs_sign_nobody_in_or_out(desk: DeskServer, client: httpx.Client, junk: str):
    (cookie,) = client.cookies.jar
    for cookies, status in (
        (junk, 401),
        (f"{cookie.name}={junk}", 401),
        (f"{junk}; {cookie.name}={cookie.value}", 200),
        (f"{cookie.name}=other; {cookie.name}={cookie.value}; {junk}", 200),
    ):
        header = cookies.strip().encode("latin-1")
        answer = httpx.get(f"{desk.url}/api/v1/queue", headers={"Cookie": header})
        assert answer.status_code in ({status, 400} if "\x01" in junk else {status, 429}), cookies


def test_an_open_stream_ends_when_its_token_is_revoked(desk: DeskServer):
    made = desk.stage.read("token", "create", "listener")
    headers = {"Authorization": f"Bearer {made['token']}"}
    with httpx.stream("GET", f"{desk.url}/api/v1/events", headers=headers, timeout=10) as stream:
        assert stream.status_code == 200
        pieces = stream.iter_raw()
        assert next(pieces)
        assert desk.stage.offhook("token", "revoke", str(made["id"])).returncode == 0
        for _ in pieces:
            pass
        assert stream.elapsed.total_seconds() < 8
    log = desk.log[-1].read_text("utf-8")
    assert "Traceback" not in log


def test_an_open_stream_ends_with_its_session(desk: DeskServer, desk_store: Store):
    with closing(desk.client()) as own:
        (cookie,) = own.cookies.jar
        with own.stream("GET", "/api/v1/events", timeout=10) as stream:
            pieces = stream.iter_raw()
            assert next(pieces)
            tables.use(desk_store)
            digest = sha256(str(cookie.value).encode()).hexdigest()
            tables.execute("DELETE FROM access WHERE digest = ?", (digest,))
            for _ in pieces:
                pass
        assert own.get("/api/v1").status_code in (401, 429)


def test_an_upload_ends_when_its_token_is_revoked(desk: DeskServer, desk_store: Store):
    headers = {"Authorization": f"Bearer {desk_store.access.add(TOKEN, f'{READ} {WRITE}')}"}
    access = desk_store.access.every(TOKEN)[-1]

    def pieces() -> Iterator[bytes]:
        yield b"first"
        until(lambda: names() != before, "the upload has begun")
        desk_store.access.revoke(access.id)
        deadline = time.monotonic() + 4 * RECHECK_SECONDS
        while time.monotonic() < deadline:
            yield b"more"
            time.sleep(0.05)

    def names() -> list[str]:
        return sorted(it.name for it in (desk.stage.home / "uploads").iterdir())

    before = names()
    address = f"{desk.url}/api/v1/records?name=call.wav"
    answer = httpx.post(address, content=pieces(), headers=headers, timeout=30)
    assert answer.status_code == 400
    assert names() == before


# Paths


def test_no_parameter_leads_out_of_the_home(
    desk: DeskServer, client: httpx.Client, desk_store: Store, tmp_path: Path
):
    spoken(Settings(home=desk.stage.home), desk_store)
    outside = desk.stage.home.parent
    (outside / "canary.wav").write_text(CANARY, "utf-8")
    before = sorted(it.name for it in outside.iterdir())
    canary = outside / "canary.wav"
    ways = [
        *(
            "../canary.wav",
            "../../canary.wav",
            "..\\canary.wav",
            "....//canary.wav",
            "inbox/../../canary.wav",
        ),
        *(str(canary), canary.as_uri(), "~/canary.wav", "%2e%2e%2fcanary.wav", "canary.wav\0", "NUL"),
    ]
    for path, methods in client.get(DESCRIPTION).json()["paths"].items():
        for method, operation in methods.items():
            given = [it for it in operation.get("parameters", []) if it["in"] != "header"]
            for place, name, kind in [(it["in"], it["name"], it["schema"].get("type")) for it in given]:
                for way in ways if kind != "integer" else ways[:1]:
                    answer = tried(client, method, path, place, name, way)
                    assert CANARY not in answer.text
                    if place == "path":
                        assert 400 <= answer.status_code < 500, (method, path, way)
                    assert answer.status_code < 500, (method, path, name, way)
    assert canary.read_text("utf-8") == CANARY
    assert sorted(it.name for it in outside.iterdir()) == before


def tried(client: httpx.Client, method: str, path: str, place: str, name: str, way: str) -> httpx.Response:
    """Call an address with a value for one parameter; the others are 1."""
    quoted = "".join(f"%{byte:02x}" for byte in way.encode())
    filled = path.replace(f"{{{name}}}", quoted) if place == "path" else path
    query = f"?{name}={quoted}" if place == "query" else ""
    return client.request(method, re.sub(r"\{[^}]*\}", "1", filled) + query)


def test_a_title_cannot_add_a_header(client: httpx.Client, desk: DeskServer, desk_store: Store):
    record = spoken(Settings(home=desk.stage.home), tables.use(desk_store), title="Call")
    for title in (
        "a\r\nSet-Cookie: a=b\r\n\r\n<p>",
        'a"; filename="b.exe',
        "\u202egpj.exe",
        "é 李 \x00\x1b",
        "/../x",
    ):
        tables.execute("UPDATE call_records SET title = ? WHERE id = ?", (title, record.id))
        for form in ("txt", "srt", "json"):
            answer = client.get(f"/api/v1/records/{record.id}/export/{form}")
            assert answer.status_code == 200
            assert "set-cookie" not in answer.headers
            said = answer.headers["content-disposition"]
            assert said.startswith("attachment;")
            assert said.count('"') <= 2
            assert said.isascii()
            assert "/" not in said
            assert said.isprintable()


# The protocol


def exchanged(desk: DeskServer, request: bytes) -> bytes:
    """Send bytes; return what comes until the server closes the connection, or waits for the next request."""
    with socket.create_connection(("127.0.0.1", desk.port), timeout=3) as connection:
        connection.sendall(request)
        found = b""
        try:
            while piece := connection.recv(65_536):
                found += piece
        except (ConnectionResetError, TimeoutError):
            pass
        return found


SHAPES = {
    "two lengths": b"POST {to} HTTP/1.1\r\n{own}Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}",
    "a list of lengths": b"POST {to} HTTP/1.1\r\n{own}Content-Length: 2, 60\r\n\r\n{}",
    "a length with a sign": b"POST {to} HTTP/1.1\r\n{own}Content-Length: +2\r\n\r\n{}",
    "a negative length": b"POST {to} HTTP/1.1\r\n{own}Content-Length: -1\r\n\r\n{}",
    "another coding": b"POST {to} HTTP/1.1\r\n{own}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two codings": b"POST {to} HTTP/1.1\r\n{own}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
    "a hidden coding": b"POST {to} HTTP/1.1\r\n{own}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a chunk without a size": b"POST {to} HTTP/1.1\r\n{own}Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
    "a folded header": b"POST {to} HTTP/1.1\r\n{own}X-A: b\r\n Content-Length: 60\r\nBad\r\n\r\n",
    "a header without a name": b"POST {to} HTTP/1.1\r\n{own}: x\r\n\r\n",
    "a zero in a header": b"POST {to} HTTP/1.1\r\n{own}X-A: a\0b\r\n\r\n",
    "two hosts": b"POST {to} HTTP/1.1\r\n{own}Host: evil.test\r\n\r\n",
    "no host": b"POST {to} HTTP/1.1\r\nAuthorization: {token}\r\n\r\n",
    "another version": b"POST {to} HTTP/9.9\r\n{own}\r\n",
    "no version": b"POST {to}\r\n{own}\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
    "a space in the path": b"POST {to} x HTTP/1.1\r\n{own}\r\n",
}


@pytest.fixture(scope="module")
def token(desk_store: Store) -> bytes:
    return f"Bearer {desk_store.access.add(TOKEN, f'{READ} {WRITE}')}".encode()


def shaped(desk: DeskServer, token: bytes, shape: bytes) -> bytes:
    host = f"127.0.0.1:{desk.port}".encode()
    own = b"Host: " + host + b"\r\nAuthorization: " + token + b"\r\n"
    filled = shape.replace(b"{to}", b"/api/v1/queue/pause").replace(b"{own}", own)
    return filled.replace(b"{token}", token).replace(b"{host}", host)


@pytest.mark.parametrize("name", SHAPES)
def test_a_request_of_two_meanings_changes_nothing(desk: DeskServer, token: bytes, going: None, name: str):
    answer = exchanged(desk, shaped(desk, token, SHAPES[name]))
    statuses = re.findall(rb"HTTP/1\.1 (\d\d\d) ", answer)
    assert statuses
    assert all(status.startswith(b"4") or status == b"505" for status in statuses)


def test_a_request_inside_another_is_not_read_as_one(desk: DeskServer, token: bytes, going: None):
    inner = shaped(desk, token, b"POST {to} HTTP/1.1\r\n{own}\r\n")
    length = str(len(inner)).encode()
    for head in (
        b"GET /api/v1 HTTP/1.1\r\n{own}Content-Length: " + length + b"\r\nConnection: close\r\n\r\n",
        b"GET /api/v1 HTTP/1.1\r\n{own}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n%x\r\n"
        % len(inner),
    ):
        answer = exchanged(desk, shaped(desk, token, head) + inner + b"\r\n0\r\n\r\n")
        assert answer.count(b"HTTP/1.1 ") == 1
    both = b"GET /api/v1 HTTP/1.1\r\n{own}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    answer = exchanged(desk, shaped(desk, token, both) + inner)
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_target_with_a_host_of_its_own_is_no_address(desk: DeskServer, token: bytes, going: None):
    for target in (
        b"http://evil.test/api/v1/queue/pause",
        b"http://{host}/api/v1/queue/pause",
        b"*",
        b"//x/api/v1",
    ):
        answer = exchanged(
            desk, shaped(desk, token, b"POST " + target + b" HTTP/1.1\r\n{own}Connection: close\r\n\r\n")
        )
        assert re.match(rb"HTTP/1\.1 4\d\d ", answer), answer[:200]


def test_a_body_that_does_not_come_ends_like_a_client_that_has_gone():
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def nothing(_: Message) -> None: ...

    async def yes() -> bool:
        return True

    exchange = Exchange(never, nothing, {}, yes, body_seconds=0.0)
    assert asyncio.run(exchange.receive()) == {"type": "http.disconnect"}


def test_more_connections_than_allowed_are_refused_and_leave_nothing_behind(
    desk: DeskServer, client: httpx.Client
):
    def status() -> int:
        try:
            return httpx.get(f"{desk.url}/sign-in").status_code
        except httpx.TransportError:  # on a busy machine, accepting them all takes a while
            return 0

    with ExitStack() as held:
        for _ in range(MOST_CONNECTIONS + 10):
            held.enter_context(socket.create_connection(("127.0.0.1", desk.port), timeout=10))
        until(lambda: status() == 503, "connections are refused", 9)
    until(lambda: client.get("/api/v1").status_code == 200, "the server answers again")


def test_the_token_of_a_page_does_not_tell_its_session(client: httpx.Client, stranger: httpx.Client):
    (cookie,) = client.cookies.jar
    assert client.headers["X-CSRF-Token"] == csrf_of(str(cookie.value))
    for header in (
        {"Authorization": f"Bearer {client.headers['X-CSRF-Token']}"},
        {"Cookie": f"{cookie.name}={client.headers['X-CSRF-Token']}"},
    ):
        answer: Any = stranger.get("/api/v1", headers=header)
        assert answer.status_code in (401, 429)
