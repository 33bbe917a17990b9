"""Other users of the machine, to whom a browser may have given the cookie of a session."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest

from offhook.web.neighbours import NOBODY, user_at
from tests.desk import DeskServer, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a connection is")
ANOTHER = 65_534


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@contextmanager
def another_user() -> Iterator[None]:
    """Make the sockets of this thread another user's; only root can."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    libc = ctypes.CDLL(None)
    libc.setfsuid(ANOTHER)
    try:
        yield
    finally:
        libc.setfsuid(0)


@pytest.mark.parametrize(("family", "host"), [("AF_INET", "127.0.0.1"), ("AF_INET6", "::ffff:127.0.0.1")])
def test_a_connection_is_of_the_user_who_made_it(listener: socket.socket, family: str, host: str) -> None:
    port = listener.getsockname()[1]
    with socket.socket(getattr(socket, family)) as client:
        client.connect((host, port))
        accepted, peer = listener.accept()
        with accepted:
            assert user_at(peer, accepted.getsockname()) == os.getuid()
            client.close()
            until(lambda: user_at(peer, accepted.getsockname()) == NOBODY, "a closed end is nobody's")
    assert user_at(("192.0.2.1", 1), ("127.0.0.1", port)) is None
    assert user_at(None, None) is None


def test_the_cookie_of_a_session_is_of_no_use_to_another_user(desk: DeskServer) -> None:
    with closing(desk.client()) as own:
        (cookie,) = own.cookies.jar
        stolen = {"Cookie": f"{cookie.name}={cookie.value}"}
        assert httpx.get(f"{desk.url}/api/v1", headers=stolen).status_code == 200
        with another_user():
            assert httpx.get(f"{desk.url}/api/v1", headers=stolen).status_code == 401
            assert httpx.get(f"{desk.url}/", headers=stolen).status_code == 401
            csrf = {"X-CSRF-Token": own.headers["X-CSRF-Token"]}
            pause = f"{desk.url}/api/v1/queue/pause"
            assert httpx.post(pause, headers=stolen | csrf).status_code == 401
        assert own.get("/api/v1/queue").json()["paused"] is False


def test_another_user_signs_in_and_uses_tokens_that_were_given_away(desk: DeskServer) -> None:
    token = {"Authorization": f"Bearer {desk.stage.read('token', 'create', 'theirs')['token']}"}
    link = desk.sign_in_link()
    with another_user(), httpx.Client(base_url=desk.url) as theirs:
        assert httpx.get(f"{desk.url}/api/v1", headers=token).status_code == 200
        assert theirs.get(link).status_code == 200
        assert theirs.get("/api/v1").status_code == 200
