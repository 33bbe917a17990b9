"""Who gets into the desk, and who does not."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from playwright.sync_api import Browser, Page

from offhook.web.binding import binding
from offhook.web.gate import HEADERS
from shared.locks import is_free
from shared.settings import Settings
from tests.desk import DeskServer
from tests.stage import ROOT
from tests.waiting import until

FOREIGN_HOSTS = (
    *("evil.test", "127.0.0.1", "localhost", "127.0.0.1:1", "localhost:65535", "[::1]", "0.0.0.0", "offhook"),
    *(
        "127.0.0.1.evil.test:{port}",
        "evil.test:{port}",
        "127.1:{port}",
        "2130706433:{port}",
        "0x7f000001:{port}",
    ),
    *("LOCALHOST.:{port}", "localhost.:{port}", "user@127.0.0.1:{port}", "127.0.0.1:{port}@evil.test"),
    *("127.0.0.1:{port}/", "127.0.0.1:{port}#", "127.0.0.1:{port}, evil.test", "[::ffff:127.0.0.1]:{port}"),
    *("http://127.0.0.1:{port}", "127.0.0.1:0{port}", "127.0.0.1 :{port}", "", "*"),
)


@pytest.fixture
def stranger(desk: DeskServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=desk.url) as client:
        yield client


def status_with_host(desk: DeskServer, host: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=10)
    connection.putrequest("GET", "/sign-in", skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_link_of_offhook_open_signs_a_browser_in_once(desk: DeskServer, browser: Browser):
    link = desk.sign_in_link()
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(link)
        page.wait_for_url(f"{desk.url}/")
        assert page.get_by_role("heading", name="Calls", exact=True).is_visible()
        (cookie,) = context.cookies()
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(link)
        assert page.get_by_role("heading", name="You are not signed in").is_visible()
        assert context.cookies() == []


def test_a_file_that_offhook_open_writes_signs_a_browser_in(desk: DeskServer, browser: Browser):
    from offhook.commands.open import PAGE

    path = desk.stage.home / "open-desk-test.html"
    path.write_text(PAGE.format(link=desk.sign_in_link().replace("&", "&amp;")), "utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(path.as_uri())
        page.wait_for_url(f"{desk.url}/")
        assert page.get_by_role("heading", name="Calls", exact=True).is_visible()


def test_a_link_leads_to_no_other_site(desk: DeskServer, stranger: httpx.Client):
    for to in ("https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)"):
        secret = desk.sign_in_link().partition("link=")[2].partition("&")[0]
        answer = stranger.get("/sign-in", params={"link": secret, "to": to})
        assert answer.status_code == 200
        assert 'content="0;url=/"' in answer.text


def test_a_stranger_is_told_how_to_sign_in(stranger: httpx.Client):
    answer = stranger.get("/")
    assert answer.status_code == 401
    assert "offhook open" in answer.text
    assert stranger.get("/api/v1").json()["error"]["code"] == "not_signed_in"


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_another_host_is_refused(desk: DeskServer, host: str):
    assert status_with_host(desk, host.format(port=desk.port)) in (400, 421)


def test_the_own_hosts_are_let_in(desk: DeskServer):
    for host in ("127.0.0.1", "localhost"):
        assert status_with_host(desk, f"{host}:{desk.port}") == 401  # the link is missing


def test_another_origin_is_refused(client: httpx.Client, desk: DeskServer):
    for origin in ("https://evil.test", "null", f"https://127.0.0.1:{desk.port}", "http://127.0.0.1"):
        assert client.get("/api/v1", headers={"Origin": origin}).status_code == 403
        assert client.post("/api/v1", headers={"Origin": origin}).status_code == 403
    assert client.get("/api/v1", headers={"Origin": desk.url}).status_code == 200


def test_no_answer_may_be_read_by_another_origin(client: httpx.Client, desk: DeskServer):
    for method in ("GET", "OPTIONS", "POST"):
        answer = client.request(method, "/api/v1", headers={"Origin": desk.url})
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_change_needs_the_token_of_its_page(client: httpx.Client):
    right = client.headers["X-CSRF-Token"]
    for wrong in ("", "0" * 64, right[:-1], right + "0", "é"):
        answer = client.post("/api/v1", headers={"X-CSRF-Token": wrong.encode()})
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "csrf"
    assert client.post("/api/v1").status_code == 405


def test_every_answer_forbids_what_pages_do_not_need(client: httpx.Client, stranger: httpx.Client):
    answers = [
        client.get("/"),
        client.get("/api/v1"),
        client.get("/nothing"),
        stranger.get("/"),
        stranger.get("/sign-in"),
    ]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert answer.headers["cache-control"] == "no-store"
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_a_form_of_another_site_changes_nothing(desk: DeskServer, browser: Browser):
    """Another site is what a page of another origin is: here one of another port."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(desk.sign_in_link())
        page.wait_for_url(f"{desk.url}/")
        page.goto("data:text/html,<form method=post><button>Go</button></form>")
        page.evaluate(f"document.forms[0].action = '{desk.url}/api/v1'")
        with page.expect_response(f"{desk.url}/api/v1") as answer:
            page.click("button")
        assert answer.value.status == 403


def test_a_token_opens_what_its_scope_says_until_it_is_revoked(desk: DeskServer, stranger: httpx.Client):
    made = desk.stage.read("token", "create", "my script")
    stranger.headers["Authorization"] = f"Bearer {made['token']}"
    assert stranger.get("/api/v1").json()["scopes"] == ["read"]
    assert stranger.post("/api/v1").json()["error"]["code"] == "scope"
    assert [it["name"] for it in desk.stage.read("token", "list")["tokens"]] == ["my script"]
    assert made["token"] not in desk.stage.offhook("token", "list").stdout
    assert desk.stage.offhook("token", "revoke", str(made["id"])).returncode == 0
    assert stranger.get("/api/v1").status_code == 401


def test_the_database_has_no_secret(desk: DeskServer, client: httpx.Client):
    made = desk.stage.read("token", "create", "another")
    session = next(iter(client.cookies.jar)).value
    found = b"".join(path.read_bytes() for path in desk.stage.home.glob("offhook.db*"))
    assert made["token"].encode() not in found
    assert str(session).encode() not in found


def test_guessing_is_slowed_down_and_locks_nobody_out(desk: DeskServer, client: httpx.Client):
    with httpx.Client(base_url=desk.url) as guesser:
        seen = [
            guesser.get("/api/v1", headers={"Authorization": f"Bearer {n:043}"}).status_code
            for n in range(40)
        ]
    assert seen[0] == 401
    assert seen[-1] == 429
    assert client.get("/api/v1").status_code == 200


def test_headers_without_end_are_refused(desk: DeskServer):
    with socket.create_connection(("127.0.0.1", desk.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ")
        sent = 0
        try:
            while sent < 10_000_000_000:
                connection.sendall(b"a" * 65_536)
                sent += 65_536
        except OSError:
            pass
        assert sent < 10_000_000


def test_a_client_that_never_finishes_its_headers_is_hung_up_on(desk: DeskServer, client: httpx.Client):
    slow = [socket.create_connection(("127.0.0.1", desk.port), timeout=30) for _ in range(50)]
    for connection in slow:
        connection.sendall(b"GET / HTTP/1.1\r\n")
    assert client.get("/api/v1").status_code == 200  # meanwhile
    for connection in slow:
        assert connection.recv(1) == b""
        connection.close()


def test_a_path_cannot_leave_the_folder_of_files(client: httpx.Client, desk: DeskServer):
    version = client.get("/").text.partition("/static/")[2].partition("/")[0]
    for name in (
        "../server.py",
        "..%2fserver.py",
        "%2e%2e/server.py",
        "/etc/passwd",
        "css/../../server.py",
        "js/%00",
    ):
        connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=10)
        connection.request("GET", f"/static/{version}/{name}", headers={"Host": f"127.0.0.1:{desk.port}"})
        answer = connection.getresponse()
        assert answer.status == 404, name
        connection.close()


def test_the_server_says_where_it_is_and_leaves_nothing_behind(desk: DeskServer):
    announced = json.loads((desk.stage.home / "web.json").read_text("utf-8"))
    assert announced["url"] == desk.url
    desk.stop()
    assert not (desk.stage.home / "web.json").exists()
    assert is_free(desk.stage.home / "locks" / "web-server.lock")
    assert "python start.py" in desk.stage.offhook("open", "--print").stderr
    desk.start()


def test_a_second_server_of_a_home_does_not_start(desk: DeskServer):
    command = [sys.executable, "-m", "offhook.web"]
    done = subprocess.run(command, cwd=ROOT, env=desk.stage.environment, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"runs already" in done.stderr
    assert httpx.get(f"{desk.url}/sign-in").status_code == 401


def test_a_session_outlives_the_server(desk: DeskServer, page: Page, faults: list[str]):
    page.goto(desk.url)
    desk.kill()
    desk.start()
    until(lambda: page.goto(desk.url).status == 200, "the page is there")  # type: ignore[union-attr]
    assert page.get_by_role("heading", name="Calls", exact=True).is_visible()
    faults.clear()  # of the time in between


def test_answers_are_sent_without_waiting_for_more_to_send():
    """asyncio sets TCP_NODELAY on accepted sockets that say that they are TCP, and on no others."""
    with closing(binding(Settings(web_port=0), has_password=False).listen()) as listener:
        assert listener.proto == socket.IPPROTO_TCP
