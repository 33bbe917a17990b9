"""The queue of hints on real servers, PostgreSQL and Redis, which are killed and started again."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Protocol

import pytest

from tests import postgres, redis_server
from tests.conftest import skip_or_fail
from tests.hint_consumer import Consumer
from tests.waiting import until
from transcribe_worker.jobs.hint_storage.outage import QueueAway
from transcribe_worker.jobs.hints import HintQueue

#: Of the table with the records; anything that comes is to look into it.
LOOK = 0


class Server(Protocol):
    def start(self) -> None: ...
    def kill(self) -> None: ...


@pytest.fixture(scope="module", params=["PostgreSQL", "Redis"])
def server_and_url(request: pytest.FixtureRequest) -> Iterator[tuple[Server, str]]:
    part = postgres if request.param == "PostgreSQL" else redis_server
    if why := part.missing():
        skip_or_fail(why)
    made = postgres.PostgresServer() if part is postgres else redis_server.RedisServer()
    try:
        yield made, made.url() if isinstance(made, postgres.PostgresServer) else made.url
    finally:
        made.remove()


@pytest.fixture
def server(server_and_url: tuple[Server, str]) -> Server:
    return server_and_url[0]


@pytest.fixture
def url(server_and_url: tuple[Server, str]) -> str:
    return server_and_url[1]


@pytest.fixture
def hints(url: str) -> Iterator[HintQueue]:
    with closing(HintQueue(url)) as hints:
        hints._huey.storage.flush_queue()
        yield hints


def test_a_fresh_queue_is_empty_until_a_hint_is_sent(hints: HintQueue):
    assert hints.is_empty()
    assert hints.send(1)
    assert not hints.is_empty()


def test_the_most_urgent_hint_is_taken_first_and_equals_in_order(hints: HintQueue, url: str):
    for record_id, priority in (1, 0), (2, 0), (3, 10), (4, -5), (5, 10.5):
        hints.send(record_id, priority)

    with Consumer(url) as consumer:
        assert consumer.has_taken(5) == [5, 3, 1, 2, 4]


def test_hints_get_other_priorities_and_a_record_without_one_gets_one(hints: HintQueue, url: str):
    for record_id in 1, 2, 3:
        hints.send(record_id)

    hints.move({3: 5, 9: 7})

    with Consumer(url) as consumer:
        assert consumer.has_taken(4) == [9, 3, 1, 2]


def test_a_hint_wakes_one_who_waits(hints: HintQueue, url: str):
    with Consumer(url) as consumer:
        hints.send(1)
        consumer.has_taken(1)
        before = time.monotonic()
        hints.send(2)
        assert consumer.has_taken(2) == [1, 2]
        assert time.monotonic() - before < 2


def test_two_consumers_take_each_hint_once(hints: HintQueue, url: str):
    for record_id in range(1, 41):
        hints.send(record_id)

    with Consumer(url) as one, Consumer(url) as other:
        until(lambda: len(one.taken) + len(other.taken) == 40, "all hints to be taken")
    assert sorted(one.taken + other.taken) == list(range(1, 41))


def test_a_consumer_looks_for_itself_while_its_server_is_away_and_goes_on_with_hints_then(
    hints: HintQueue, url: str, server: Server
):
    with Consumer(url) as consumer:
        hints.send(1)
        assert consumer.has_taken(1) == [1]
        server.kill()
        until(lambda: consumer.taken[-1] == LOOK, "a look without a hint")
        server.start()
        assert until(lambda: hints.send(2), "a hint to be sent")
        until(lambda: 2 in consumer.taken, "the hint to be taken")
        assert consumer.process.poll() is None


def test_a_server_that_is_away_costs_the_sender_a_hint_and_one_line_in_the_log(
    hints: HintQueue, server: Server, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    server.kill()
    try:
        assert not any(hints.send(record_id) for record_id in (1, 2, 3))
        with pytest.raises(QueueAway):
            hints.is_empty()
    finally:
        server.start()
    assert caplog.text.count("the queue of hints cannot be reached") == 1
    assert "offhook-" not in caplog.text  # of the URL
    hints.is_empty()  # it can be asked again
