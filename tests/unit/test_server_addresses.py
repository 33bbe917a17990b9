"""The addresses of servers that a workstation may join, and what their answers count as."""

from __future__ import annotations

import httpx2
import pytest

from archive.team_messages import Changes
from outbox_worker.address import checked, is_loopback
from outbox_worker.answers import check, read
from outbox_worker.client import trusted
from outbox_worker.errors import ServerAddress, ServerAway, ServerRefused, TokenRefused


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://team.example", "https://team.example"),
        (" https://team.example:8443/offhook/ ", "https://team.example:8443/offhook"),
        ("http://127.0.0.1:8484", "http://127.0.0.1:8484"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:8484", "http://[::1]:8484"),
    ],
)
def test_a_server_is_reached_over_tls_or_on_this_machine(given: str, address: str) -> None:
    assert checked(given) == address


@pytest.mark.parametrize(
    "given",
    [
        *("", "team.example", "ftp://team.example", "https://", "http://team.example", "http://10.0.0.1"),
        *("https://ada:secret@team.example", "https://team.example?x=1", "https://team.example#a"),
        *("https://team.example:99999", "https://[::1", "http://127.0.0.1.evil.example", "https://a\nb"),
        "https://" + "x" * 600,
    ],
)
def test_no_other_address_is_taken(given: str) -> None:
    with pytest.raises(ServerAddress):
        checked(given)


def test_a_name_that_only_looks_like_this_machine_is_another_one() -> None:
    assert not is_loopback("https://localhost.example")
    assert is_loopback("http://127.1.2.3")


ERROR = b'{"error": {"code": "content_differs", "message": "Another recording."}}'


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (409, ERROR, ServerRefused),
        (401, ERROR, TokenRefused),
        (403, ERROR.replace(b"content_differs", b"token_in_use"), TokenRefused),
        (403, ERROR, ServerRefused),
        (503, ERROR, ServerAway),
        (507, ERROR, ServerAway),
        (429, ERROR, ServerAway),
        (302, b"", ServerAway),
        (404, b"<html>a proxy's own page</html>", ServerAway),
        (401, b"<html>sign in to the hotel's network</html>", ServerAway),
        (407, ERROR, ServerAway),
    ],
)
def test_a_refusal_is_one_only_if_offhooks_server_has_said_so(
    status: int, body: bytes, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        check(httpx2.Response(status), body)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"seq": -1, "calls": []}', b'{"seq": 1, "calls": [{}]}']
)
def test_a_page_of_somebody_else_is_no_answer(body: bytes) -> None:
    with pytest.raises(ServerAway):
        read(body, Changes)


def test_a_wait_that_a_server_asks_for_is_kept() -> None:
    with pytest.raises(ServerAway) as caught:
        check(httpx2.Response(503, headers={"Retry-After": "17"}), ERROR)
    assert caught.value.retry_after_seconds == 17.0


def test_without_a_certificate_of_its_own_the_systems_authorities_are_trusted() -> None:
    assert trusted(None) is True
    with pytest.raises(ServerAddress, match="PEM"):
        trusted("no certificate")
