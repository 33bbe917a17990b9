"""The desk behind a reverse proxy: what it says counts, and nobody else may say it."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from offhook.desk import people
from offhook.desk.desk import Desk
from offhook.web.binding import binding
from offhook.web.visitors import cookie_name
from shared.errors import SettingsError
from shared.settings import Settings
from shared.store.access import SESSION
from shared.store.people import ADMIN
from shared.store.store import Store
from shared.store.view import MACHINE
from tests.conftest import skip_or_fail
from tests.desk import DeskServer
from tests.stage import Stage

PASSWORD = "correct horse battery"
#: The server, its proxy, a machine that is neither, and what the proxy says of its client.
SERVER, PROXY, OTHER, CLIENT = "127.0.0.2", "127.0.0.3", "127.0.0.4", "192.0.2.7"


@dataclass
class Behind:
    """A server with plain HTTP behind a proxy, and connections from different addresses to it."""

    server: DeskServer
    store: Store

    def ask(
        self,
        address: str,
        method: str = "GET",
        path: str = "/sign-in",
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> http.client.HTTPResponse:
        """Send a request from an address, with exactly these headers."""
        connection = http.client.HTTPConnection(SERVER, self.server.port, 20, (address, 0))
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        response.text = response.read().decode("utf-8", "replace")  # type: ignore[attr-defined]
        connection.close()
        return response

    def sign_in(self, address: str, headers: tuple[tuple[str, str], ...]) -> http.client.HTTPResponse:
        form = httpx.Request("POST", "http://x", data={"username": "ada", "password": PASSWORD}).content
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return self.ask(address, "POST", "/sign-in", (*headers, kind), form)


#: What an ordinary proxy adds, for a browser at https://desk.test.
ORDINARY = (
    ("Host", "desk.test"),
    ("X-Forwarded-For", CLIENT),
    ("X-Forwarded-Proto", "https"),
    ("Origin", "https://desk.test"),
)


def without(name: str, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (*(it for it in ORDINARY if it[0] != name), *more)


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    pytest.importorskip("argon2")
    try:
        socket.create_server((SERVER, 0)).close()
    except OSError:
        skip_or_fail(f"{SERVER} is no address of this machine")
    home = tmp_path_factory.mktemp("behind") / "home"
    own = (
        ("OFFHOOK_WEB_ADDRESS", SERVER),
        ("OFFHOOK_WEB_HOSTS", "desk.test"),
        ("OFFHOOK_TRUSTED_PROXIES", f"{PROXY}, 10.0.0.0/8"),
    )
    with Desk({"home": home}) as desk:
        people.add(desk, MACHINE, "ada", ADMIN, password=PASSWORD)
    server = DeskServer(Stage(home, own), origin=f"http://{SERVER}").start()
    with Store.of_home(Settings(home=home)) as store:
        yield Behind(server, store)
    server.stop()


def test_a_person_signs_in_through_the_proxy_and_is_known_by_the_own_address(behind: Behind) -> None:
    answer = behind.sign_in(PROXY, ORDINARY)
    assert answer.status == 200
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"__Host-offhook_{behind.server.port}=")
    assert "; Secure" in cookie
    assert answer.headers["Strict-Transport-Security"]
    entry = behind.store.audit.entries(1)[0]
    assert (entry.action, entry.person, entry.address) == ("sign_in", "ada", CLIENT)
    header = ("Cookie", cookie.partition(";")[0])
    assert behind.ask(PROXY, path="/api/v1", headers=(*ORDINARY, header)).status == 200


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (("X-Forwarded-For", f"198.51.100.9, {CLIENT}"), CLIENT),  # the client wrote the first one itself
        (("X-Forwarded-For", f"198.51.100.9, {CLIENT}, 10.1.2.3"), CLIENT),  # another proxy of the list
        (("X-Forwarded-For", f"127.0.0.1, {CLIENT}"), CLIENT),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxys(
    behind: Behind, said: tuple[str, str], address: str
) -> None:
    assert behind.sign_in(PROXY, without("X-Forwarded-For", said)).status == 200
    assert behind.store.audit.entries(1)[0].address == address


def test_headers_of_others_than_the_proxy_do_not_count(behind: Behind) -> None:
    """This machine itself is let in, as for `offhook open`; it is known by its own address."""
    answer = behind.sign_in(OTHER, without("Origin", ("Origin", f"http://desk.test:{behind.server.port}")))
    assert answer.status == 421  # Host has no port of this server: the header of the proxy is not believed
    direct = (("Host", f"{SERVER}:{behind.server.port}"), *ORDINARY[1:3])
    page = behind.ask(OTHER, path="/", headers=direct)
    assert page.status == 401
    assert "Strict-Transport-Security" not in page.headers
    assert 'name="password"' not in page.text  # type: ignore[attr-defined]
    hosts = (("Host", f"evil.test:{behind.server.port}"), ("X-Forwarded-Host", "desk.test"))
    assert behind.ask(OTHER, headers=hosts).status == 421


@pytest.mark.parametrize(
    "headers",
    [
        without("Host", ("Host", "evil.test")),
        without("Host", ("Host", "desk.test"), ("X-Forwarded-Host", "evil.test")),
        without("Host", ("Host", "desk.test.evil.test")),
        without("Host", ("Host", "desk.test"), ("Host", "evil.test")),
        without("Host", ("Host", "desk.test"), ("Host", "desk.test")),
        without("Host", ("Host", "desk.test, evil.test")),
        without("Host"),
    ],
)
def test_the_host_is_compared_behind_the_proxy_too(
    behind: Behind, headers: tuple[tuple[str, str], ...]
) -> None:
    assert behind.sign_in(PROXY, headers).status in (400, 421)


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "http://desk.test", "https://desk.test:8443", "null"]
)
def test_the_origin_is_compared_behind_the_proxy_too(behind: Behind, origin: str) -> None:
    assert behind.sign_in(PROXY, without("Origin", ("Origin", origin))).status == 403


def test_metrics_through_a_proxy_on_this_machine_are_not_asked_by_this_machine(behind: Behind) -> None:
    assert behind.ask(PROXY, path="/metrics", headers=without("X-Forwarded-For")).status == 403


def test_a_proxy_without_tls_gets_no_passwords(behind: Behind) -> None:
    plain = without("X-Forwarded-Proto", ("X-Forwarded-Proto", "http"))
    plain = (*(it for it in plain if it[0] != "Origin"), ("Origin", "http://desk.test"))
    assert behind.sign_in(PROXY, plain).status == 403


def test_a_session_of_a_user_of_the_machine_is_of_no_use_through_the_proxy(behind: Behind) -> None:
    """The cookie that another user of the machine may have caught would otherwise come back that way."""
    secret = behind.store.access.add(SESSION, "read write", name="12345", lives_seconds=600)
    cookie = ("Cookie", f"{cookie_name(behind.server.port, is_secure=True)}={secret}")
    assert behind.ask(PROXY, path="/api/v1", headers=(*ORDINARY, cookie)).status == 401


def test_guesses_through_the_proxy_slow_the_address_of_their_client(behind: Behind) -> None:
    def guess(client: str) -> int:
        headers = without("X-Forwarded-For", ("X-Forwarded-For", client))
        form = httpx.Request("POST", "http://x", data={"username": "ada", "password": "guess"}).content
        return behind.ask(PROXY, "POST", "/sign-in", headers, form).status

    assert 429 in [guess("203.0.113.5") for _ in range(9)]
    assert guess("203.0.113.6") == 401


def test_the_server_listens_for_a_proxy_without_a_certificate_and_for_nobody_else(behind: Behind) -> None:
    home = behind.server.stage.home
    given = {"web_address": "0.0.0.0", "web_hosts": "desk.test"}
    with pytest.raises(SettingsError, match="trusted_proxies"):
        binding(Settings(home=home, **given), has_password=True)
    found = binding(Settings(home=home, **given, trusted_proxies="10.0.0.7"), has_password=True)
    assert found.needs_proxy
    assert found.origins(8484)[0] == "http://127.0.0.1:8484"  # what `offhook open` opens
    with pytest.raises(SettingsError, match="trusted_proxies must be addresses"):
        binding(Settings(home=home, trusted_proxies="proxy.test"), has_password=True)
