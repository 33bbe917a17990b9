"""The text of a running call in a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.commands.live_text import PROVISIONAL, LiveText
from offhook.desk.live_calls import behind_in_words, in_words
from shared.speakers import ME, THEM

Word = list[Any]
WELL = {"state": "following", "why": None, "behind_seconds": 0.0, "yields": None}


def event(
    final: list[Word] | None = None, provisional: list[Word] | None = None, **live: Any
) -> dict[str, Any]:
    return {"final": final or [], "provisional": provisional or [], "live": WELL | live}


def said(text: str, speaker: str | None, start_ms: int = 0) -> Word:
    return [start_ms, start_ms + 100, text, speaker]


@pytest.fixture
def text() -> LiveText:
    return LiveText({THEM: "Ada"})


def shown(text: LiveText, width: int = 40, height: int = 10) -> list[str]:
    return [line.plain.rstrip() for line in text.last_lines(width, height)]


def test_a_speaker_is_named_where_the_speaker_changes(text: LiveText) -> None:
    text.take(event([said(" Hello", ME), said(" there.", ME), said(" Yes?", THEM), said(" Hi.", ME)]))
    assert shown(text) == ["Me: Hello there.", "Ada: Yes?", "Me: Hi."]


def test_a_word_of_nobody_known_goes_on_with_the_one_before(text: LiveText) -> None:
    text.take(event([said(" Hello", ME)], [said(" there", None), said(" Yes?", THEM)]))
    assert shown(text) == ["Me: Hello there", "Ada: Yes?"]
    text.take(event([], [said(" Nobody", None)]))
    assert shown(text) == ["Me: Hello Nobody"]


def test_what_is_provisional_is_dim_and_replaced(text: LiveText) -> None:
    text.take(event([said(" Hello", ME)], [said(" where", ME)]))
    (line,) = text.last_lines(40, 10)
    assert [line.plain[span.start : span.end] for span in line.spans if span.style == PROVISIONAL] == [
        " where"
    ]
    text.take(event([said(" there.", ME)]))
    (line,) = text.last_lines(40, 10)
    assert line.plain == "Me: Hello there."
    assert PROVISIONAL not in {span.style for span in line.spans}


@pytest.mark.parametrize(("width", "height"), [(40, 3), (20, 1), (7, 50), (1, 2)])
def test_the_end_of_the_text_fits(text: LiveText, width: int, height: int) -> None:
    text.take(event([said(f" word{number}", ME) for number in range(5000)]))
    lines = shown(text, width, height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    assert "word4999".endswith(lines[-1].split()[-1])


def test_without_room_there_is_no_text(text: LiveText) -> None:
    text.take(event([said(" Hello", ME)]))
    assert shown(text, height=0) == shown(text, height=-3) == []


def test_lines_have_the_time_and_the_speaker_and_only_what_is_final(text: LiveText) -> None:
    found = event([said(" Hello", ME, 61_000), said(" Yes?", THEM, 62_500)], [said(" Hi", ME, 63_000)])
    assert text.lines(found) == ["[00:01:01] Me: Hello", "[00:01:02] Ada: Yes?"]
    assert text.lines(event([said(" Ah", None, 1000)])) == ["[00:00:01] Ah"]
    assert text.lines(event([said(" a\x1b[31m\nb", ME)])) == ["[00:00:00] Me: a [31m b"]


@pytest.mark.parametrize(
    ("live", "words"),
    [
        ({}, None),
        ({"behind_seconds": 0.4}, None),
        ({"behind_seconds": 12.3}, "behind by 12 s"),
        ({"state": "off", "why": "too slow"}, "not transcribed live: too slow"),
        ({"yields": "hot"}, "the text waits: the machine is hot"),
        ({"yields": "new", "behind_seconds": 61.0}, "the text waits: new; behind by 61 s"),
    ],
)
def test_what_there_is_to_mind_is_said_in_words(live: dict[str, Any], words: str | None) -> None:
    assert in_words(WELL | live) == words


def test_a_long_time_is_said_in_minutes() -> None:
    assert behind_in_words(125.0) == "behind by 2:05"
