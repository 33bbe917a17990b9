"""What a receiver of webhooks gets, and what it may answer."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import which

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from offhook.hooks.addresses import Resolve, resolved
from offhook.hooks.deliverer import Deliverer
from offhook.hooks.outcome import DAY, WAITS_SECONDS
from offhook.hooks.sender import Sender
from offhook.hooks.signing import new_secret
from shared.settings import Settings
from shared.store.deliveries import DELIVERED, EVENTS, FAILED, WAITING
from shared.store.hooks import URL
from shared.store.store import Store
from shared.store.values import Delivery, Hook
from tests.conftest import skip_or_fail
from tests.integration.hooks.conftest import Finish
from tests.integration.hooks.receivers import OK, Receiver, answering_by_hand, certificate, receiving
from tests.integration.records.operations import Clock

BROKEN = (500, {}, b"")
PUBLIC = "93.184.215.14"
Deliver = Callable[..., None]


@pytest.fixture
def private(settings: Settings) -> Settings:
    """Settings that let hooks reach this machine."""
    return replace(settings, hook_private_hosts="127.0.0.1, receiver.test")


@pytest.fixture
def deliver(store: Store, private: Settings, clock: Clock) -> Deliver:
    """Deliver all that is due."""

    def deliver(settings: Settings = private, **options: object) -> None:
        Deliverer(store, settings, Sender(settings, **options), clock=clock).run_due()  # type: ignore[arg-type]

    return deliver


def hook_for(store: Store, url: str, *, has_words: bool = False) -> Hook:
    return store.hooks.add(URL, url, new_secret(), tuple(EVENTS.values()), has_words=has_words)


def last(store: Store, hook: Hook) -> Delivery:
    return store.deliveries.newest(hook.id, 1)[0]


def body_of(receiver: Receiver) -> dict[str, object]:
    return json.loads(receiver.received[-1].body)


# What it gets


def test_a_completed_record_reaches_its_receiver_signed_by_the_standard(
    store: Store, finish: Finish, deliver: Deliver
):
    with receiving() as receiver:
        hook = hook_for(store, receiver.url())
        record = finish(candidate_id="C-17")
        deliver()

    (got,) = receiver.received
    verified = Webhook(hook.secret).verify(got.body, dict(got.headers))
    assert verified["type"] == "record.completed"
    assert verified["data"]["id"] == record.id
    assert verified["data"]["candidate_id"] == "C-17"
    assert verified["data"]["status"] == "completed"
    assert (got.path, got.headers["Content-Type"]) == ("/calls?team=7", "application/json")
    assert got.headers["webhook-id"] == last(store, hook).message_id
    assert (last(store, hook).state, last(store, hook).last_status) == (DELIVERED, 204)


def test_a_message_that_was_changed_on_its_way_is_not_verified(
    store: Store, finish: Finish, deliver: Deliver
):
    with receiving() as receiver:
        hook = hook_for(store, receiver.url())
        finish()
        deliver()
    (got,) = receiver.received
    with pytest.raises(WebhookVerificationError):
        Webhook(hook.secret).verify(got.body.replace(b"call 1", b"call 2"), dict(got.headers))


def test_a_message_has_no_words_and_no_paths_unless_its_hook_asks_for_words(
    store: Store, finish: Finish, deliver: Deliver
):
    with receiving() as receiver:
        hook_for(store, receiver.url())
        finish()
        deliver()
    assert b"Hello" not in receiver.received[0].body
    assert b"/calls/" not in receiver.received[0].body


def test_a_hook_that_asks_for_words_gets_text_speakers_and_passages(
    store: Store, finish: Finish, deliver: Deliver
):
    with receiving() as receiver:
        hook_for(store, receiver.url(), has_words=True)
        finish()
        deliver()
    data = body_of(receiver)["data"]
    assert data["text"] == "Hello there."
    assert [passage["text"] for passage in data["passages"]] == ["Hello there."]


def test_a_failed_record_says_why_by_its_code_alone(store: Store, finish: Finish, deliver: Deliver):
    with receiving() as receiver:
        hook_for(store, receiver.url())
        finish(failed=True)
        deliver()
    body = body_of(receiver)
    assert (body["type"], body["data"]["error_code"]) == ("record.failed", "no_audio")
    assert "error" not in body["data"]


# What it may answer


def test_a_message_is_sent_again_after_the_documented_waits_then_has_failed(
    store: Store, finish: Finish, deliver: Deliver, clock: Clock
):
    with receiving(BROKEN) as receiver:
        hook = hook_for(store, receiver.url())
        finish()
        for attempt, wait in enumerate(WAITS_SECONDS[URL], 1):
            deliver()
            found = last(store, hook)
            assert (found.state, found.attempts, found.last_status) == (WAITING, attempt, 500)
            assert 0.8 * wait <= found.next_attempt_at - clock.now <= 1.2 * wait
            clock.now = found.next_attempt_at - 0.001
            deliver()
            assert len(receiver.received) == attempt
            clock.now += 0.001
        deliver()

    assert (last(store, hook).state, last(store, hook).attempts) == (FAILED, len(WAITS_SECONDS[URL]) + 1)
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1


def test_a_receiver_that_is_well_again_gets_the_message(
    store: Store, finish: Finish, deliver: Deliver, clock: Clock
):
    with receiving(BROKEN, OK) as receiver:
        hook = hook_for(store, receiver.url())
        finish()
        deliver()
        clock.now += 40
        deliver()
    assert (last(store, hook).state, last(store, hook).last_error) == (DELIVERED, None)
    assert store.hooks.get(hook.id).first_failed_at is None


def test_410_stops_the_hook_with_the_reason(store: Store, finish: Finish, deliver: Deliver):
    with receiving((410, {}, b"")) as receiver:
        hook = hook_for(store, receiver.url())
        finish()
        finish()
        deliver()
        finish()
        deliver()
    assert len(receiver.received) == 1
    assert "410" in (store.hooks.get(hook.id).stopped_why or "")
    assert [found.state for found in store.deliveries.newest(hook.id, 9)] == [FAILED, FAILED]


@pytest.mark.parametrize(
    ("status", "asked", "least", "most"),
    [
        (429, "900", 900, 900),
        (503, "Fri, 15 Jan 2100 08:20:00 GMT", DAY, DAY),
        (503, str(10**9), DAY, DAY),
        (503, "1", 24, 36),  # not before offhook would try again anyway
        (503, "soon", 24, 36),
        (500, "900", 24, 36),
    ],
)
def test_a_busy_receiver_says_when_it_wants_the_message_within_a_day(
    store: Store,
    finish: Finish,
    deliver: Deliver,
    clock: Clock,
    status: int,
    asked: str,
    least: int,
    most: int,
):
    with receiving((status, {"Retry-After": asked}, b"")) as receiver:
        hook = hook_for(store, receiver.url())
        finish()
        deliver()
    assert least <= last(store, hook).next_attempt_at - clock.now <= most


def test_no_redirect_is_followed(store: Store, finish: Finish, deliver: Deliver):
    with receiving() as elsewhere, receiving((307, {"Location": elsewhere.url()}, b"")) as receiver:
        hook = hook_for(store, receiver.url())
        finish()
        deliver()
    assert elsewhere.received == []
    assert "redirect" in (last(store, hook).last_error or "")


def test_of_a_huge_answer_little_is_read_and_nothing_kept(store: Store, finish: Finish, deliver: Deliver):
    sent = []

    def answer(connected: socket.socket, over: threading.Event) -> None:
        connected.recv(65536)
        connected.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while not over.is_set():
            sent.append(connected.send(b"x" * 65536))

    with answering_by_hand(answer) as port:
        hook = hook_for(store, f"http://127.0.0.1:{port}/")
        finish()
        deliver()
    assert (last(store, hook).state, last(store, hook).last_error) == (DELIVERED, None)
    assert sum(sent) < 64 << 20  # what the system buffers


@pytest.mark.parametrize("kind", ["silent", "a byte now and then", "endless headers"])
def test_a_slow_receiver_is_given_up_after_the_whole_time_not_after_each_byte(
    store: Store, finish: Finish, deliver: Deliver, kind: str
):
    def answer(connected: socket.socket, over: threading.Event) -> None:
        connected.recv(65536)
        if kind == "endless headers":
            connected.sendall(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.05):
            if kind != "silent":
                connected.sendall(b"H")

    with answering_by_hand(answer) as port:
        hook = hook_for(store, f"http://127.0.0.1:{port}/")
        finish()
        began = time.monotonic()
        deliver(url_seconds=0.6)
        took = time.monotonic() - began
    assert took < 10
    assert "did not answer within" in (last(store, hook).last_error or "")
    assert last(store, hook).state == WAITING


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 999999 no\r\n\r\n", b"", b"\0" * 70000]
)
def test_what_is_no_http_is_a_failure(store: Store, finish: Finish, deliver: Deliver, answer: bytes):
    def send(connected: socket.socket, over: threading.Event) -> None:
        connected.recv(65536)
        connected.sendall(answer)

    with answering_by_hand(send) as port:
        hook = hook_for(store, f"http://127.0.0.1:{port}/")
        finish()
        deliver()
    assert (last(store, hook).state, last(store, hook).last_status) == (WAITING, None)


def test_a_receiver_that_is_not_there_is_a_failure(store: Store, finish: Finish, deliver: Deliver):
    with receiving() as receiver:
        pass
    hook = hook_for(store, receiver.url())
    finish()
    deliver()
    assert "cannot be reached" in (last(store, hook).last_error or "")


# Where it may be


@pytest.mark.parametrize("answers", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::1"], ["169.254.169.254"]])
def test_a_name_that_stands_for_a_private_address_is_refused(
    store: Store, finish: Finish, deliver: Deliver, settings: Settings, answers: list[str]
):
    with receiving() as receiver:
        hook = hook_for(store, receiver.url("innocent.example", "https"))
        finish()
        deliver(settings, resolve=lambda *_: answers)
    assert receiver.received == []
    assert "not a public address" in (last(store, hook).last_error or "")


def test_a_name_is_resolved_once_an_attempt_and_the_address_that_was_checked_is_used(
    store: Store, finish: Finish, deliver: Deliver
):
    answers = ["127.0.0.1", "127.0.0.2"]  # of a name that changes its address after the check
    with receiving() as receiver:
        hook = hook_for(store, receiver.url("receiver.test"))
        finish()
        deliver(resolve=lambda *_: [answers.pop(0)])
    assert answers == ["127.0.0.2"]
    assert last(store, hook).state == DELIVERED
    assert len(receiver.received) == 1


def test_http_to_a_listed_name_is_refused_once_it_stands_for_a_public_address(
    store: Store, finish: Finish, deliver: Deliver
):
    hook = hook_for(store, "http://receiver.test:1/")
    finish()
    deliver(resolve=lambda *_: [PUBLIC])
    assert "needs https" in (last(store, hook).last_error or "")


def test_a_host_that_is_no_longer_listed_is_not_reached_any_more(
    store: Store, finish: Finish, deliver: Deliver, settings: Settings
):
    with receiving() as receiver:
        hook = hook_for(store, receiver.url())
        finish()
        deliver(settings)
    assert receiver.received == []
    assert "hook_private_hosts" in (last(store, hook).last_error or "")


def test_proxies_of_the_environment_are_not_asked(
    store: Store, finish: Finish, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
):
    with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        hook_for(store, receiver.url())
        finish()
        deliver()
    assert (len(proxy.received), len(receiver.received)) == (0, 1)


# Certificates


@pytest.fixture
def here() -> Resolve:
    """A resolver for which every name is this machine."""
    return lambda host, port: resolved("127.0.0.1", port)


@pytest.fixture
def own_certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    if which("openssl") is None:
        skip_or_fail("openssl is not installed")
    return certificate(tmp_path, "receiver.test")


def test_https_is_verified_against_the_name(
    store: Store,
    finish: Finish,
    deliver: Deliver,
    here: Resolve,
    own_certificate: tuple[ssl.SSLContext, Path],
    private: Settings,
):
    server, trusted = own_certificate
    trusting = ssl.create_default_context(cafile=str(trusted))
    private = replace(private, hook_private_hosts="receiver.test, other.test")
    with receiving(tls=server) as receiver:
        right = hook_for(store, receiver.url("receiver.test", "https"))
        wrong = hook_for(store, receiver.url("other.test", "https"))
        finish()
        deliver(private, resolve=here, tls=trusting)
    assert last(store, right).state == DELIVERED
    assert receiver.received[0].headers["Host"] == f"receiver.test:{receiver.port}"
    assert last(store, wrong).state == WAITING
    assert "certificate" in (last(store, wrong).last_error or "")


def test_a_certificate_that_nobody_vouches_for_is_refused(
    store: Store,
    finish: Finish,
    deliver: Deliver,
    here: Resolve,
    own_certificate: tuple[ssl.SSLContext, Path],
):
    server, _ = own_certificate
    with receiving(tls=server) as receiver:
        hook = hook_for(store, receiver.url("receiver.test", "https"))
        finish()
        deliver(resolve=here)
    assert receiver.received == []
    assert "certificate" in (last(store, hook).last_error or "")
