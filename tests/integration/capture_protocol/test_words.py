"""The words of a running call, sent to clients that have subscribed to them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from capture_worker.control.protocol import SUBSCRIBE_WORDS
from capture_worker.live.words import MOST_WORDS
from shared.store.live import ENDED, OFF
from shared.store.store import Store
from tests.integration.capture_protocol.conversation import Conversation, Home
from tests.live_calls import Decoder

KEYS = {"type", "session_id", "revision", "final_seconds", "final", "provisional", "live", "is_last"}
HELLO, WHAT = (" Hello", "me"), (" What?", "them")


def texts(event: dict[str, Any], key: str) -> list[str]:
    return [text for _, _, text, _ in event[key]]


def begun(client: Conversation, store: Store) -> Decoder:
    """Start a recording, and claim its live call."""
    return Decoder.of(store, client.do("start_recording")["session_id"])


def test_a_subscriber_gets_words_until_the_last_one_is_final(client: Conversation, store: Store) -> None:
    assert client.do(SUBSCRIBE_WORDS) == {"on": True}
    decoder = begun(client, store)
    decoder.guess(0.0, 1.0, HELLO)
    first = client.event("words")
    while not first["provisional"]:  # the claim is seen too
        first = client.event("words")
    assert set(first) == KEYS
    assert (first["final"], first["provisional"]) == ([], [[0, 1000, " Hello", "me"]])
    decoder.settle(0.0, 1.0, HELLO)
    final = client.event("words")
    assert (final["final"], final["provisional"]) == ([[0, 1000, " Hello", "me"]], [])
    client.do("stop_recording")
    assert client.do("get_recording_state")["live"] == final["live"]
    decoder.settle(1.0, 2.0, WHAT)
    decoder.end()
    found: list[str] = []
    while not (event := client.event("words"))["is_last"]:
        found += texts(event, "final")
    assert [*found, *texts(event, "final")] == [" What?"]
    assert event["live"]["state"] == ENDED


def test_words_go_to_nobody_else_and_no_longer_to_one_who_has_enough(listening: Home, store: Store) -> None:
    curious, other = listening.client(), listening.client()
    curious.do(SUBSCRIBE_WORDS)
    decoder = begun(other, store)
    decoder.settle(0.0, 1.0, HELLO)
    while not curious.event("words")["final"]:
        pass
    assert curious.do(SUBSCRIBE_WORDS, on=False) == {"on": False}
    other.do("stop_recording")
    state = curious.event("state")
    assert state["state"] == "idle"
    time.sleep(0.5)
    curious.state()
    other.state()
    assert {event["type"] for event in other.events} == {"state"}
    assert curious.events[-1]["type"] in ("state", "words")
    assert not any(event.get("is_last") for event in curious.events)


def test_one_who_comes_later_gets_all_words_from_the_beginning(listening: Home, store: Store) -> None:
    early, late = listening.client(), listening.client()
    early.do(SUBSCRIBE_WORDS)
    decoder = begun(early, store)
    decoder.settle(0.0, 1.0, HELLO)
    while not early.event("words")["final"]:
        pass
    late.do(SUBSCRIBE_WORDS)
    first = late.event("words")
    assert texts(first, "final") == [" Hello"]
    decoder.settle(1.0, 2.0, WHAT)
    assert texts(early.event("words"), "final") == texts(late.event("words"), "final") == [" What?"]


def test_many_words_come_in_several_events(listening: Home, store: Store) -> None:
    client = listening.client()
    decoder = begun(client, store)
    said = [(f" word{number}", "me") for number in range(2 * MOST_WORDS + 1)]
    decoder.settle(0.0, 600.0, *said)
    decoder.guess(600.0, 601.0, HELLO)
    client.do(SUBSCRIBE_WORDS)
    found = [client.event("words") for _ in range(3)]
    assert [len(event["final"]) for event in found] == [MOST_WORDS, MOST_WORDS, 1]
    assert [texts(event, "provisional") for event in found] == [[], [], [" Hello"]]
    assert [text for event in found for text in texts(event, "final")] == [text for text, _ in said]


@pytest.mark.parametrize("value", ["false", 0, []])
def test_whether_to_transcribe_live_is_true_or_false(client: Conversation, value: object) -> None:
    assert client.refused("start_recording", live=value) == "bad_request"
    assert client.state() == "idle"


def test_one_recording_is_not_transcribed_live_if_a_client_wants_that(
    client: Conversation, store: Store
) -> None:
    started = client.do("start_recording", live=False)
    assert (started["live"]["state"], started["live"]["why"]) == (OFF, "switched off")
    assert store.captures.get(started["session_id"]).live is False
