"""The event stream: what changes is seen at once, and nothing is missed while a browser is away."""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from offhook.web.hub import AT_ONCE, KEPT
from offhook.web.listeners import MOST_STREAMS
from shared.settings import Settings
from shared.store.listing import Wanted
from shared.store.store import Store
from shared.workers import Presence
from tests.desk import DeskServer
from tests.waiting import until

Event = tuple[str, Any, int | None]


class Listener:
    """An open event stream, as a browser reads it."""

    def __init__(self, client: httpx.Client, headers: dict[str, str], after: int | None) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        self.has_ended = threading.Event()
        query = {} if after is None else {"after": str(after)}
        self._answer = client.stream("GET", "/api/v1/events", params=query, headers=headers, timeout=60)
        self.response = self._answer.__enter__()
        assert self.response.status_code == 200
        threading.Thread(target=self._read, daemon=True).start()

    def close(self) -> None:
        if self.has_ended.is_set():
            return
        connection = self.response.extensions["network_stream"].get_extra_info("socket")
        connection.shutdown(socket.SHUT_RDWR)
        assert self.has_ended.wait(10)
        self._answer.__exit__(None, None, None)

    def next(self, *kinds: str) -> Event:
        """The next event of a kind."""
        deadline = time.monotonic() + 10
        while True:
            found = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            if found[0] in kinds:
                return found

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self.response.iter_lines():
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                elif "data" in fields:
                    number = int(fields["id"]) if "id" in fields else None
                    self.events.put((fields["event"], json.loads(fields["data"]), number))
                    fields = {}
        except httpx.HTTPError:
            pass
        finally:
            self.has_ended.set()


@contextmanager
def listening(client: httpx.Client, after: int | None = None, **headers: str) -> Iterator[Listener]:
    with httpx.Client(base_url=client.base_url, cookies=client.cookies) as own:
        listener = Listener(own, headers, after)
        try:
            yield listener
        finally:
            listener.close()


def add(store: Store, title: str) -> int:
    return store.records.add(source="added", title=title, recording_path=f"/{title}.wav").id


def test_a_change_is_seen_soon_after_its_commit_with_its_number(client: httpx.Client, desk_store: Store):
    with listening(client) as listener:
        listener.next("desk")
        record_id = add(desk_store, "call")
        committed = time.monotonic()
        _, row, seq = listener.next("record")

        assert (row["id"], row["status"], seq) == (record_id, "queued", desk_store.changes.latest())
        assert time.monotonic() - committed < 5.0
        assert listener.next("desk")[1]["counts"]["queued"] == 1


def test_words_and_deletions_have_events_of_their_own(client: httpx.Client, desk_store: Store):
    record_id = add(desk_store, "words")
    with listening(client) as listener:
        listener.next("desk")
        assert desk_store.claims.claim(record_id, worker_id="w", model="m", lease_seconds=60)
        assert listener.next("words")[1]["id"] == record_id
        assert listener.next("record")[1]["status"] == "processing"

        desk_store.deletions.add(record_id, time.time() + 3000)
        assert listener.next("record")[1]["deletion_due_at"]

        desk_store.records.delete(record_id)
        assert listener.next("deleted")[1] == {"id": record_id}


def test_a_browser_that_was_away_gets_what_it_has_missed_once(client: httpx.Client, desk_store: Store):
    ids = [add(desk_store, f"away {number}") for number in range(3)]
    seen = desk_store.changes.latest()
    desk_store.records.cancel(ids[0])
    desk_store.records.delete(ids[1])
    desk_store.records.cancel(ids[2])

    for how in ({"after": seen}, {"Last-Event-ID": str(seen), "after": 0}):
        with listening(client, **how) as listener:  # type: ignore[arg-type]
            found = [listener.next("record", "deleted") for _ in range(3)]
            assert [(kind, data["id"]) for kind, data, _ in found] == [
                ("record", ids[0]),
                ("deleted", ids[1]),
                ("record", ids[2]),
            ]


def test_more_than_is_kept_is_read_from_the_database(client: httpx.Client, desk_store: Store):
    seen = desk_store.changes.latest()
    count = KEPT + AT_ONCE + 7
    with desk_store.transaction():
        ids = [add(desk_store, f"many {number}") for number in range(count)]
    with listening(client, after=seen) as listener:
        found = [listener.next("record") for _ in range(count)]
    assert [data["id"] for _, data, _ in found] == ids
    assert [seq for _, _, seq in found] == sorted(seq for _, _, seq in found if seq)


def test_words_that_changed_long_ago_are_news_for_a_browser_that_was_away_longer(
    client: httpx.Client, desk_store: Store
):
    seen = desk_store.changes.latest()
    with desk_store.transaction():
        ids = [add(desk_store, f"words {number}") for number in range(AT_ONCE + 50)]
    desk_store.choices.set_priority(ids[0], 1)  # so its last change comes with the second part
    with listening(client, after=seen) as listener:
        found = [listener.next("words")[1]["id"] for _ in ids]
    assert found == [*ids[1:], ids[0]]


def test_numbers_of_another_database_make_a_browser_read_all_again(client: httpx.Client, desk_store: Store):
    record_id = add(desk_store, "restored")
    with listening(client, after=10**17) as listener:
        found = [listener.next("record") for _ in desk_store.listing.ids(Wanted())]
    assert found[-1][1]["id"] == record_id


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "9" * 19, "²"])
def test_what_is_no_number_of_a_change_is_refused(client: httpx.Client, number: str):
    answer = client.get("/api/v1/events", params={"after": number})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_a_dead_worker_is_noticed_although_it_writes_nothing(
    client: httpx.Client, desk: DeskServer, desk_store: Store
):
    presence = Presence(desk_store, Settings(home=desk.stage.home).locks, "worker").enter()

    def says(listener: Listener, is_alive: bool) -> bool:
        workers = {it["id"]: it["alive"] for it in listener.next("desk")[1]["workers"]}
        return workers.get(presence.worker_id) is is_alive

    with listening(client) as listener:
        until(lambda: says(listener, True), "the worker is seen")
        presence._lock.release()  # as the kernel does when a process ends, however it ends
        until(lambda: says(listener, False), "the worker is dead")
    presence.leave()


def test_a_file_that_is_not_taken_is_told_of_although_no_record_changes(
    client: httpx.Client, desk: DeskServer
):
    left = Settings(home=desk.stage.home).inbox / "slides.key"

    def says(listener: Listener, is_there: bool) -> bool:
        notices = listener.next("desk")[1]["notices"]
        return any("slides.key" in it["text"] for it in notices) is is_there

    with listening(client) as listener:
        left.touch()
        until(lambda: says(listener, True), "the file is told of")
        left.unlink()
        until(lambda: says(listener, False), "the file is gone")


def test_a_stream_too_many_is_refused_and_the_server_still_answers(client: httpx.Client, desk: DeskServer):
    cookies = "; ".join(f"{it.name}={it.value}" for it in client.cookies.jar)
    request = f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\nCookie: {cookies}\r\n\r\n"
    streams = [socket.create_connection(("127.0.0.1", desk.port), timeout=30) for _ in range(200)]
    try:
        for stream in streams:
            stream.sendall(request.encode())
        answers = [stream.recv(400) for stream in streams]
        accepted = [answer for answer in answers if answer.startswith(b"HTTP/1.1 200")]
        refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503")]
        assert (len(accepted), len(refused)) == (MOST_STREAMS, 200 - MOST_STREAMS)
        assert client.get("/api/v1").status_code == 200
    finally:
        for stream in streams:
            stream.close()
    until(lambda: _is_let_in(desk, request), "there is room again")


def _is_let_in(desk: DeskServer, request: str) -> bool:
    with socket.create_connection(("127.0.0.1", desk.port), timeout=30) as stream:
        stream.sendall(request.encode())
        return stream.recv(400).startswith(b"HTTP/1.1 200")


def test_streams_end_in_order_when_the_server_stops(client: httpx.Client, desk: DeskServer):
    with listening(client) as listener:
        listener.next("desk")
        began = time.monotonic()
        desk.stop()
        assert listener.has_ended.wait(10)
        assert time.monotonic() - began < 10
    assert b"Cancel" not in desk.log[-1].read_bytes()
    desk.start()
