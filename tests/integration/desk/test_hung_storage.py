"""A storage that takes connections and never answers, behind the desk of a team."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from offhook.desk import people
from offhook.desk.desk import Desk
from offhook.web.visitors import cookie_name, csrf_of
from offhook.web.work import QUICK, STORAGE, THREADS
from shared.store.people import LEAD
from shared.store.view import MACHINE
from tests.desk import DeskServer
from tests.integration.desk.test_elsewhere import made
from tests.stage import Stage

PASSWORD = "correct horse battery"
KEYS = (("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s"))


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """What stands in the place of a storage."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        yield listening


@pytest.fixture
def desk(tmp_path: Path, silent: socket.socket) -> Iterator[DeskServer]:
    """A desk over TLS, with one person and one recording in the storage."""
    pytest.importorskip("argon2")
    pair = made(tmp_path)
    storage = f"s3://calls?endpoint=http://127.0.0.1:{silent.getsockname()[1]}&region=us-east-1"
    own = {
        "OFFHOOK_WEB_ADDRESS": "127.0.0.2",
        "OFFHOOK_WEB_CERTIFICATE": str(pair.certificate),
        "OFFHOOK_WEB_KEY": str(pair.key),
        "OFFHOOK_STORAGE": storage,
    }
    stage = Stage(tmp_path / "home", (*own.items(), *KEYS))
    with Desk({"home": stage.home}) as home:
        people.add(home, MACHINE, "ada", LEAD, password=PASSWORD)
        stored = {"recording_path": "calls/1.wav", "storage_key": "calls/1.wav", "sha256": "0" * 64}
        home.store.records.add(source="capture", title="Budget call", size_bytes=1000, **stored)
    trusts = ssl.create_default_context(cafile=pair.certificate)
    server = DeskServer(stage, origin="https://127.0.0.2", trusts=trusts).start()
    yield server
    server.stop()


def browser(desk: DeskServer) -> httpx.Client:
    return httpx.Client(base_url=desk.url, verify=desk.trusts, headers={"Origin": desk.url}, timeout=60)


def test_recordings_that_a_storage_does_not_give_hold_up_nothing_else(
    desk: DeskServer, silent: socket.socket
) -> None:
    with browser(desk) as ada, ThreadPoolExecutor(2 * THREADS[STORAGE]) as pool, ExitStack() as held:
        sign_in = {"username": "ada", "password": PASSWORD}
        assert ada.post("/sign-in", data=sign_in).status_code == 200
        plays = [pool.submit(ada.get, "/api/v1/records/1/audio") for _ in range(2 * THREADS[STORAGE])]
        for _ in range(THREADS[STORAGE]):
            held.enter_context(silent.accept()[0])

        with browser(desk) as again:
            assert again.post("/sign-in", data=sign_in, timeout=10).status_code == 200
            assert "Budget call" in again.get("/", timeout=10).text
            assert again.get("/search?q=budget", timeout=10).status_code == 200
        assert not any(it.done() for it in plays)

        silent.close()
        held.close()
        assert {it.result().status_code for it in plays} == {503}


def test_a_storage_that_takes_no_recording_holds_up_nothing_else(
    desk: DeskServer, silent: socket.socket
) -> None:
    others, tus = THREADS[QUICK] + THREADS[STORAGE], {"Tus-Resumable": "1.0.0"}
    with browser(desk) as ada, ThreadPoolExecutor(2 * others + 1) as pool, ExitStack() as held:
        assert ada.post("/sign-in", data={"username": "ada", "password": PASSWORD}).status_code == 200
        ada.headers["X-CSRF-Token"] = csrf_of(ada.cookies[cookie_name(desk.port, is_secure=True)])
        sent = pool.submit(ada.post, "/api/v1/records?name=call.wav", content=b"RIFF")
        held.enter_context(silent.accept()[0])
        samples = [pool.submit(ada.post, "/api/v1/queue/sample") for _ in range(others)]
        cancels = [pool.submit(ada.delete, "/api/v1/uploads/x", headers=tus) for _ in range(others)]
        held.enter_context(silent.accept()[0])

        for _ in range(others):
            assert "Budget call" in ada.get("/", timeout=10).text
        assert not any(it.done() for it in (sent, *samples, *cancels))

        silent.close()
        held.close()
        assert {it.result().status_code for it in (sent, *samples)} == {503}
        assert {it.result().status_code for it in cancels} == {404}
