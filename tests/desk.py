"""The desk's server as a process of its own, and a real browser in front of it."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.stage import ROOT, Stage
from tests.waiting import until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--autoplay-policy=no-user-gesture-required",
    ),
)
START_SECONDS = 30.0
_CSRF = re.compile(r'<meta name="csrf" content="([0-9a-f]+)">')


@dataclass
class DeskServer:
    """The server of a stage's home; `start` starts it again at the same address."""

    stage: Stage
    port: int = 0
    origin: str = "http://127.0.0.1"
    trusts: ssl.SSLContext | bool = True  # what a client compares the certificate with
    process: subprocess.Popen[bytes] | None = None
    log: list[Path] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.origin}:{self.port}"

    def start(self) -> DeskServer:
        self.stage.home.mkdir(parents=True, exist_ok=True)
        environment = {**self.stage.environment, "OFFHOOK_WEB_PORT": str(self.port)}
        path = self.stage.home.with_name(f"{self.stage.home.name}-web-{len(self.log)}.log")
        self.log.append(path)
        with path.open("wb") as log:
            command = [sys.executable, "-m", "offhook.web"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        until(self._listens, "the server listens", START_SECONDS)
        return self

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(15)
            self.process = None

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait(15)
        self.process = None

    def sign_in_link(self, to: str = "/") -> str:
        done = self.stage.offhook("open", "--print")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().replace("&to=/", f"&to={to}")

    def client(self) -> httpx.Client:
        """A client that is signed in and may change things, as a page of the desk."""
        client = httpx.Client(base_url=self.url, timeout=30, verify=self.trusts)
        client.get(self.sign_in_link())
        found = _CSRF.search(client.get("/").text)
        assert found
        client.headers["X-CSRF-Token"] = found[1]
        return client

    def _listens(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log[-1].read_text("utf-8")
        announced = self.stage.home / "web.json"
        if not announced.exists():
            return False
        found = re.search(r":(\d+)\"", announced.read_text("utf-8"))
        self.port = int(found[1]) if found else 0
        try:
            answer = httpx.get(f"{self.url}/favicon.ico", verify=self.trusts)
            return answer.status_code in (200, 404)
        except httpx.TransportError:
            return False


@contextmanager
def serving(stage: Stage) -> Iterator[DeskServer]:
    """Run the server of a home."""
    server = DeskServer(stage).start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Run Debian's Chromium, or another one that is installed."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def signed_in(browser: Browser, server: DeskServer, **options: object) -> Iterator[BrowserContext]:
    """A browser's profile of its own that is signed in; a request to another machine is a failure."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    away: list[str] = []
    context.on("request", lambda it: None if _is_here(it.url) else away.append(it.url))
    page = context.new_page()
    page.goto(server.sign_in_link())
    page.wait_for_url(f"{server.url}/")
    page.close()
    try:
        yield context
        assert away == []
    finally:
        context.close()


def watched(page: Page, faults: list[str]) -> Page:
    """Write down what goes wrong in a page: exceptions of its scripts, and what its policy forbids."""
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda it: faults.append(it.text) if it.type == "error" else None)
    return page


def _is_here(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:", "file:", "about:"))
