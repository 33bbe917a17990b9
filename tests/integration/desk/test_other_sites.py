"""What a page of another site can do to the desk in the browser of a person who is signed in: nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, sync_playwright

from tests.conftest import skip_or_fail
from tests.desk import CHROMIUM, FLAGS, DeskServer

#: A name that anybody could point at this machine.
EVIL = "evil.test"


class Empty(BaseHTTPRequestHandler):
    """A page of another site; its scripts come from the tests."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another site</title><body>")

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def other_port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def playwright_here() -> Iterator[Playwright]:
    if CHROMIUM is None:
        skip_or_fail("no Chromium is installed: sudo apt install chromium")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def deceived(playwright_here: Playwright) -> Iterator[Browser]:
    """A browser for which the name of another site means this machine."""
    flags = [*FLAGS, f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"]
    browser = playwright_here.chromium.launch(executable_path=CHROMIUM, args=flags)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def context(deceived: Browser, desk: DeskServer) -> Iterator[BrowserContext]:
    with deceived.new_context() as context:
        page = context.new_page()
        page.goto(desk.sign_in_link())
        page.wait_for_url(f"{desk.url}/")
        assert context.cookies(desk.url)
        yield context


@pytest.fixture(params=[EVIL, "localhost", "127.0.0.1"])
def other(request: pytest.FixtureRequest, context: BrowserContext, other_port: int) -> Iterator[Page]:
    """A page of another site, of the same machine by another name, and of another port of the same host.

    Browsers send the session's cookie with what the last one asks for.
    """
    page = context.new_page()
    page.goto(f"http://{request.param}:{other_port}/")
    yield page
    page.close()


def is_paused(client: httpx.Client) -> bool:
    return bool(client.get("/api/v1/queue").json()["paused"])


FETCH = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        return [answer.type, answer.status, await answer.text()];
    } catch (error) { return [error.name, 0, ""]; }
}"""


def test_another_site_changes_nothing_by_a_script(other: Page, client: httpx.Client, desk: DeskServer):
    url = f"{desk.url}/api/v1/queue/pause"
    for options in (
        {"method": "POST", "mode": "no-cors", "credentials": "include"},
        {"method": "POST", "mode": "no-cors", "credentials": "include", "body": "{}"},
        {"method": "POST", "mode": "cors", "credentials": "include", "headers": {"X-CSRF-Token": "0"}},
        {"method": "POST", "mode": "cors", "headers": {"Content-Type": "application/json"}, "body": "{}"},
    ):
        kind, status, text = other.evaluate(FETCH, [url, options])
        assert (kind, status, text) in (("opaque", 0, ""), ("TypeError", 0, ""))
    other.evaluate("url => navigator.sendBeacon(url, '{}')", url)
    assert not is_paused(client)


def test_another_site_changes_nothing_by_a_form(other: Page, client: httpx.Client, desk: DeskServer):
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain"):
        here = other.url
        other.evaluate(
            """([url, kind]) => {
            const form = document.createElement("form");
            document.body.append(Object.assign(form, {method: "post", action: url, enctype: kind}));
        }""",
            [f"{desk.url}/api/v1/queue/pause", kind],
        )
        with other.expect_navigation() as answer:
            other.evaluate("document.forms[0].submit()")
        assert answer.value.status == 403
        other.goto(here)
    assert not is_paused(client)


def test_another_site_reads_nothing(other: Page, desk: DeskServer):
    for path in ("/api/v1", "/api/v1/queue", "/api/v1/records", "/", "/api/v1/openapi.json"):
        for options in ({"credentials": "include"}, {"mode": "no-cors", "credentials": "include"}):
            kind, status, text = other.evaluate(FETCH, [f"{desk.url}{path}", options])
            assert (kind, status, text) in (("opaque", 0, ""), ("TypeError", 0, ""))
    loaded = """([tag, url]) => new Promise(resolve => {
        const element = document.createElement(tag);
        element.onload = () => resolve("loaded");
        element.onerror = () => resolve("refused");
        element[tag === "link" ? "href" : tag === "object" ? "data" : "src"] = url;
        if (tag === "link") element.rel = "stylesheet";
        document.body.append(element);
    })"""
    for tag in ("img", "script", "link", "audio"):
        assert other.evaluate(loaded, [tag, f"{desk.url}/api/v1/records"]) == "refused", tag


def test_another_site_shows_no_page_in_a_frame(other: Page, desk: DeskServer):
    for path in ("/", "/api/v1/records", "/sign-in"):
        other.evaluate(
            """url => new Promise(resolve => {
            const frame = document.createElement("iframe");
            frame.onload = resolve;
            frame.src = url;
            document.body.append(frame);
        })""",
            f"{desk.url}{path}",
        )
    shown = [frame.url for frame in other.frames if frame.url.startswith(desk.url)]
    assert shown == []
    assert all("offhook" not in frame.content() for frame in other.frames)


def test_another_site_opens_no_socket_and_no_stream(other: Page, desk: DeskServer):
    socket = """url => new Promise(resolve => {
        const socket = new WebSocket(url);
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("refused");
    })"""
    assert other.evaluate(socket, f"{desk.url.replace('http', 'ws')}/api/v1/events") == "refused"
    stream = """url => new Promise(resolve => {
        const stream = new EventSource(url, {withCredentials: true});
        stream.onopen = () => resolve("open");
        stream.onerror = () => resolve("refused");
    })"""
    assert other.evaluate(stream, f"{desk.url}/api/v1/events") == "refused"


def test_a_name_that_is_pointed_at_this_machine_is_not_the_desks(context: BrowserContext, desk: DeskServer):
    page = context.new_page()
    answer = page.goto(f"http://{EVIL}:{desk.port}/")
    assert answer
    assert answer.status == 421
    kind, status, _ = page.evaluate(FETCH, ["/api/v1/records", {"credentials": "include"}])
    assert (kind, status) == ("basic", 421)
    with pytest.raises(Error):
        page.goto(f"https://{EVIL}:{desk.port}/")
    page.close()
