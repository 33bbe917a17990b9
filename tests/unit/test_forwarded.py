"""Who is answered by a server that others reach by way of a proxy alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from offhook.web.forwarded import Forwarded
from offhook.web.neighbours import PROXY, user_of
from offhook.web.networks import networks

PROXIES = networks("trusted_proxies", "10.0.0.0/24, 2001:db8::7")


def answered(client: str, *headers: tuple[str, str], is_required: bool = True) -> tuple[int, Scope]:
    """The status of the answer, and the request as the application sees it."""
    seen: dict[str, Any] = {}
    sent: list[Message] = []

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        seen.update(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "scheme": "http",
        "client": (client, 5),
        "server": ("192.0.2.1", 8484),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "state": {"user": 1000},
    }
    asyncio.run(Forwarded(app, PROXIES, is_required=is_required)(scope, receive, send))
    return sent[0]["status"], seen


@pytest.mark.parametrize(
    ("client", "status"),
    [
        ("10.0.0.9", 200),
        ("::ffff:10.0.0.9", 200),
        ("2001:db8::7", 200),
        ("127.0.0.1", 200),
        ("192.0.2.1", 200),  # this machine, by its own address
        ("192.0.2.9", 403),
        ("10.0.1.9", 403),
        ("2001:db8::8", 403),
    ],
)
def test_only_the_proxies_and_this_machine_are_answered(client: str, status: int) -> None:
    assert answered(client)[0] == status
    assert answered(client, is_required=False)[0] == 200


def test_what_others_say_of_their_address_stays_a_word_of_theirs() -> None:
    _, scope = answered(
        "192.0.2.9",
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "desk.test"),
        is_required=False,
    )
    assert (scope["client"][0], scope["scheme"], user_of(scope)) == ("192.0.2.9", "http", 1000)
    assert (b"x-forwarded-host", b"desk.test") in scope["headers"]
    assert "proxied" not in scope["state"]


def test_a_proxy_names_client_scheme_and_host_and_its_own_user_is_nobody() -> None:
    _, scope = answered(
        "10.0.0.9",
        ("host", "backend:8484"),
        ("x-forwarded-for", "203.0.113.5"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "desk.test"),
    )
    assert (scope["client"][0], scope["scheme"], user_of(scope)) == ("203.0.113.5", "https", PROXY)
    assert [value for name, value in scope["headers"] if name == b"host"] == [b"desk.test"]
