"""What `offhook record watch` takes of the events, and what it says above the text."""

from __future__ import annotations

from typing import Any

import pytest
from rich.text import Text

from offhook.commands.live_text import LiveText
from offhook.commands.watching import Picture, Watched

RUNNING = {"type": "state", "state": "recording", "session_id": "1", "title": "Call", "warnings": []}
RUNNING |= {"microphone": "Headset", "loopback": None, "last": None}
ENDED = {"type": "state", "state": "idle", "session_id": None, "last": {"session_id": "1", "error": None}}
NEXT = RUNNING | {"session_id": "2"}
FOLLOWED = {"state": "following", "why": None, "behind_seconds": 0.0, "yields": None}


def level(seconds: float) -> dict[str, Any]:
    sides = dict.fromkeys(("mic", "loopback", "mic_peak", "loopback_peak"), 0.1)
    return {"type": "level", "seconds": seconds, **sides}


def words(session_id: str, *, is_last: bool = False, live: dict[str, Any] | None = None) -> dict[str, Any]:
    found = {"type": "words", "session_id": session_id, "final": [], "provisional": []}
    return {**found, "live": live, "is_last": is_last}


def test_a_recording_is_watched_to_its_last_word_and_the_next_one_is_not() -> None:
    events = [level(1.0), words("0", is_last=True), words("1"), ENDED, NEXT, level(0.1), words("2")]
    watched = Watched(RUNNING, [*events, words("1", is_last=True), words("2")])
    assert list(watched) == [level(1.0), words("1"), ENDED, words("1", is_last=True)]
    assert (watched.has_ended, watched.outcome) == (True, ENDED["last"])


def test_without_an_end_the_worker_has_ended() -> None:
    watched = Watched(RUNNING, [level(1.0)])
    assert list(watched) == [level(1.0)]
    assert not watched.has_ended


@pytest.mark.parametrize(
    ("seconds", "live", "said"),
    [
        (9.0, None, ""),
        (11.0, None, "No worker has taken the call to transcribe it while it runs"),
        (11.0, FOLLOWED, ""),
        (11.0, FOLLOWED | {"behind_seconds": 12.0}, "Behind by 12 s"),
    ],
)
def test_what_there_is_to_mind_stands_above_the_text(
    seconds: float, live: dict[str, Any] | None, said: str
) -> None:
    picture = Picture(Watched(RUNNING, []), LiveText({}))
    assert not picture.take(words("1", live=live))
    assert picture.take(level(seconds))
    assert [part.plain for part in picture.above() if isinstance(part, Text)] == ([said] if said else [])


def test_after_the_end_the_rest_is_waited_for_if_there_is_one() -> None:
    for live, is_waited_for in ((None, False), (FOLLOWED, True), (FOLLOWED | {"state": "ended"}, False)):
        watched, text = Watched(RUNNING, [ENDED]), LiveText({}, live)
        picture = Picture(watched, text)
        list(watched)
        assert any("rest of its text" in str(part) for part in picture.above()) is is_waited_for
