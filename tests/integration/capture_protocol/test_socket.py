"""The capture protocol over the socket."""

from __future__ import annotations

import json
import os
import select
import socket
import threading
import time

from capture_worker.control.client import MOST_WAITING, Audience, Client
from capture_worker.control.protocol import LEVEL
from tests.integration.capture_protocol.conversation import Home
from tests.stage import end


def test_control_json_names_place_token_and_process_and_goes_with_the_worker(home: Home) -> None:
    with home.worker() as worker:
        control = home.control()
        assert set(control) in ({"port", "token", "pid"}, {"socket", "token", "pid"})
        assert control["pid"] == worker.pid
        assert len(control["token"]) >= 32
        if os.name == "posix":
            assert home.settings.control.stat().st_mode & 0o777 == 0o600
        assert home.client().do("get_recording_state")["state"] == "idle"
        end(worker)
        assert not home.settings.control.exists()


def test_without_the_token_nothing_is_done_and_the_line_is_closed(listening: Home) -> None:
    for first in (
        b'{"id": 1, "action": "authenticate", "params": {"nonce": "short"}}',
        b'{"id": 1, "action": "authenticate", "params": {"nonce": "Gr\xc3\xbc\xc3\x9fe aus der Ferne"}}',
        b'{"id": 1, "action": "authenticate", "params": {"nonce": null}}',
        b'{"id": 1, "action": "authenticate", "params": {"token": "guess"}}',
        b'{"id": 1, "action": "authenticate"}',
        b'{"id": 1, "action": "start_recording"}',
        b"GET / HTTP/1.1\r",
    ):
        intruder = listening.connect()
        intruder.send(first)
        reply = intruder.reply()
        assert (reply["ok"], reply["error"]["code"]) == (False, "bad_request")
        assert listening.control()["token"] not in json.dumps(reply)
        assert intruder.is_over()
    assert listening.client().state() == "idle"


def test_one_who_has_not_said_the_token_hears_nothing(listening: Home) -> None:
    silent = listening.connect()
    listening.client().do("start_recording")
    ready, _, _ = select.select([silent.reader], [], [], 0.5)
    assert ready == []


def test_clients_that_come_and_go_do_not_end_the_recording(listening: Home) -> None:
    client = listening.client()
    client.do("start_recording")
    for _ in range(100):
        listening.client().send(b'{"action": "get_recording_state"}')
        listening.conversations.pop().close()
    assert client.state() == "recording"
    assert listening.client().state() == "recording"


def test_a_client_that_leaves_does_not_end_the_recording_that_it_started(listening: Home) -> None:
    listening.client().do("start_recording", title="still on")
    listening.conversations.pop().close()
    time.sleep(0.2)
    other = listening.client()
    state = other.do("get_recording_state")
    assert (state["state"], state["title"]) == ("recording", "still on")
    other.do("stop_recording")


def test_what_is_written_is_never_waited_for_and_one_who_does_not_read_is_hung_up() -> None:
    ours, theirs = socket.socketpair()
    dropped = threading.Event()

    def hang_up(rudely: bool) -> None:
        dropped.set()
        ours.shutdown(socket.SHUT_RDWR)

    with ours, theirs:
        client = Client(ours.makefile("rb"), ours.makefile("wb"), hang_up)
        slowest = 0.0
        for _ in range(100 * MOST_WAITING):
            before = time.monotonic()
            client.put(b"x" * 10_000 + b"\n")
            slowest = max(slowest, time.monotonic() - before)
            if dropped.is_set():
                break
        assert dropped.is_set()
        assert slowest < 0.5
        client.close()


def test_one_who_does_not_read_keeps_nothing_from_the_others() -> None:
    audience, pairs = Audience(), [socket.socketpair() for _ in range(2)]
    clients = [Client(ours.makefile("rb"), ours.makefile("wb")) for ours, _ in pairs]
    for client in clients:
        client.wants[LEVEL] = True
        audience.join(client)
    reads = pairs[1][1].makefile("rb")
    for number in range(10 * MOST_WAITING):
        audience.tell({"type": "level", "seconds": number, "mic": "x" * 1000})
        assert json.loads(reads.readline())["seconds"] == number
    pairs[0][1].close()
    reads.close()
    for client, (ours, _) in zip(clients, pairs, strict=True):
        ours.shutdown(socket.SHUT_RDWR)
        client.close()
        ours.close()
    pairs[1][1].close()
