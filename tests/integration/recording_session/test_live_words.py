"""The words of a call that is transcribed live, as a program that embeds capture gets them."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest

from capture_worker.live import feed
from shared.errors import StoreBusy
from shared.store.live import ENDED, FOLLOWING, OFF, LiveCalls
from shared.store.store import Store
from tests.integration.recording_session.desk import Desk, Make
from tests.live_calls import Decoder
from tests.waiting import until

PATIENCE_SECONDS = 10.0
wait_for = partial(until, seconds=PATIENCE_SECONDS)
HELLO, THERE, WHAT = (" Hello", "me"), (" there.", "me"), (" What?", "them")


def words(desk: Desk, revision: int) -> dict[str, Any]:
    """Wait for the event that has this revision."""
    found = wait_for(
        lambda: [it for it in desk.of_type("words") if it["revision"] == revision], f"revision {revision}"
    )
    return dict(found[-1])


def last(desk: Desk) -> dict[str, Any]:
    return dict(wait_for(lambda: [it for it in desk.of_type("words") if it["is_last"]], "the last event")[-1])


def texts(found: list[list[Any]]) -> list[str]:
    return [text for _, _, text, _ in found]


def test_words_come_while_the_call_is_recorded_each_final_one_once(desk: Desk, store: Store) -> None:
    session_id = desk.session.start()["session_id"]
    decoder = Decoder.of(store, session_id)
    decoder.guess(0.0, 1.0, (" Hallo", None), behind_seconds=1.5)
    first = words(desk, 1)
    assert (first["final"], first["provisional"]) == ([], [[0, 1000, " Hallo", None]])
    assert first["session_id"] == session_id
    decoder.settle(0.0, 2.0, HELLO, THERE)
    assert words(desk, 2)["final"] == [[0, 1000, " Hello", "me"], [1000, 2000, " there.", "me"]]
    decoder.guess(2.0, 3.0, WHAT)
    third = words(desk, 3)
    assert (third["final"], texts(third["provisional"]), third["final_seconds"]) == ([], [" What?"], 2.0)
    assert third["live"] == {
        **{"state": FOLLOWING, "why": None, "behind_seconds": 1.5, "yields": None},
        **{"final_seconds": 2.0, "heard_seconds": 3.0},
    }
    assert desk.session.get_state()["live"] == third["live"]
    desk.session.stop()
    assert not third["is_last"]


def test_after_the_stop_words_come_until_the_last_one_is_final(desk: Desk, store: Store) -> None:
    decoder = Decoder.of(store, desk.session.start()["session_id"])
    decoder.settle(0.0, 2.0, HELLO, THERE)
    words(desk, 1)
    desk.session.stop()
    assert desk.session.get_state()["live"]["state"] == FOLLOWING
    decoder.settle(2.0, 3.0, WHAT)
    assert texts(words(desk, 2)["final"]) == [" What?"]
    decoder.end()
    ended = last(desk)
    assert (ended["final"], ended["provisional"], ended["live"]["state"]) == ([], [], ENDED)
    assert desk.session.get_state()["live"]["state"] == ENDED


def test_what_the_record_has_taken_over_comes_from_its_transcript(desk: Desk, store: Store) -> None:
    decoder = Decoder.of(store, desk.session.start()["session_id"])
    decoder.settle(0.0, 2.0, HELLO, THERE)
    words(desk, 1)
    desk.session.stop()
    with store.transaction():  # nobody sees what is between
        decoder.settle(2.0, 3.0, WHAT)
        decoder.complete()
    ended = last(desk)
    assert ended["final"] == [[2000, 3000, " What?", "them"]]
    assert (ended["live"]["state"], ended["final_seconds"]) == (ENDED, 3.0)
    assert desk.session.get_state()["live"] is None


def test_a_call_that_nobody_transcribes_ends_with_an_event_that_says_so(desk: Desk) -> None:
    desk.record(0.2)
    ended = last(desk)
    assert (ended["final"], ended["provisional"], ended["live"]) == ([], [], None)
    assert desk.events.index(ended) > desk.events.index(desk.of_type("state")[-1])


def test_a_call_that_was_given_up_says_why(desk: Desk, store: Store) -> None:
    decoder = Decoder.of(store, desk.session.start()["session_id"])
    decoder.settle(0.0, 2.0, HELLO, THERE)
    decoder.switch_off("too slow")
    assert words(desk, 2)["live"]["why"] == "too slow"
    desk.session.stop()
    assert last(desk)["live"]["state"] == OFF


def test_a_discarded_call_has_no_more_words(desk: Desk, store: Store) -> None:
    decoder = Decoder.of(store, desk.session.start()["session_id"])
    decoder.guess(0.0, 1.0, HELLO)
    words(desk, 1)
    desk.session.discard()
    assert (last(desk)["final"], last(desk)["provisional"]) == ([], [])


@pytest.mark.parametrize(
    ("usual", "asked", "is_off"), [(False, None, True), (True, False, True), (False, True, False)]
)
def test_the_state_says_that_it_is_switched_off(
    make: Make, store: Store, usual: bool, asked: bool | None, is_off: bool
) -> None:
    desk = make(live=usual)
    started = desk.session.start(live=asked)
    capture = wait_for(lambda: store.captures.find(started["session_id"]), "the row")
    assert capture.live is asked
    assert (started["live"] or {}).get("why") == ("switched off" if is_off else None)


def test_the_database_is_asked_nothing_where_nobody_listens(
    desk: Desk, make: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    revision = LiveCalls.revision
    monkeypatch.setattr(LiveCalls, "revision", lambda *given: asked.append("") or revision(*given))
    desk.session._words._listeners = lambda: []
    Decoder.of(store, desk.session.start()["session_id"])
    looks: list[int] = []
    feed = desk.session._words._feeds[0]
    feed._listeners = lambda: looks.append(1) or []  # type: ignore[func-returns-value]
    wait_for(lambda: len(looks) > 2, "some looks")
    assert asked == []
    desk.session.stop()


def test_a_database_that_cannot_be_read_is_logged_once_and_the_recording_goes_on(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[int] = []

    def fail(*_: object) -> None:
        failures.append(1)
        raise StoreBusy("in use")

    monkeypatch.setattr(LiveCalls, "revision", fail)
    monkeypatch.setattr(feed, "SILENCE_SECONDS", 0.5)
    with caplog.at_level(logging.WARNING, feed.__name__):
        desk.session.start()
        wait_for(lambda: len(failures) > 2, "some failures")
        assert desk.session.stop()["state"] == "queued"
        assert last(desk)["live"] is None  # who listens waits for it
        wait_for(lambda: not desk.session._words._feeds[0].runs, "the end of the feed")
    assert [record.name for record in caplog.records] == [feed.__name__]


def test_two_channels_that_are_out_of_step_give_final_words_in_the_order_of_time(
    desk: Desk, store: Store
) -> None:
    decoder = Decoder.of(store, desk.session.start()["session_id"])
    decoder.settle(4.0, 5.0, WHAT)  # of the far side, while the near side is at 2 s
    store.live.renew(decoder.claim, lease_seconds=60, final_seconds=2.0)
    second = words(desk, 2)
    assert texts(second["provisional"]) == [" What?"]
    decoder.settle(2.0, 5.0, HELLO, THERE)
    assert texts(words(desk, 3)["final"]) == [" Hello", " there.", " What?"]
    desk.session.stop()
