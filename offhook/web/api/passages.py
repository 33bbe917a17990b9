"""The transcript of a record in windows of passages, and changes of one passage."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from offhook.desk import drafts, passage_edits, reading
from offhook.desk.passage_edits import Changed, Heard, Wording
from offhook.desk.reading import Outline, Window
from offhook.web.api.limits import LongText, Name, WordNumber
from offhook.web.call import Call, Endpoint


class WhichSegments(Struct):
    """Some segments: the first one's place, from 0, and their number."""

    first: WordNumber = 0
    count: Annotated[int, Meta(ge=1, le=reading.MOST_SEGMENTS)] = 100


class NewText(Struct):
    """A text for a passage, and the version of the passage that it was made of."""

    text: LongText
    base: Name
    last_word: WordNumber


class NewDraft(Struct):
    """A text that is being typed, and the version of the passage that the typing began with."""

    text: LongText
    base: Name


class WordRange(Struct):
    """Words by their numbers, both included."""

    first_word: WordNumber
    last_word: WordNumber


def outline(call: Call) -> Outline:
    """Say how long a transcript is."""
    return reading.outline(call.desk, call.record_id)


def window(call: Call) -> Window:
    """Return some segments of a transcript."""
    return reading.window(call.desk, call.record_id, call.query.first, call.query.count)


def edit(call: Call) -> Changed:
    """Store a passage's text."""
    given = call.body
    wanted = Wording(call.number("first_word"), given.last_word, given.text, given.base)
    return passage_edits.edit(call.desk, call.record_id, wanted)


def heard(call: Call) -> Heard:
    """Return what the machine wrote."""
    return passage_edits.heard(call.desk, call.record_id, call.number("first_word"))


def put_draft(call: Call) -> None:
    """Keep a text that is being typed."""
    drafts.put(call.desk, call.record_id, call.number("first_word"), call.body.text, call.body.base)


def drop_draft(call: Call) -> None:
    """Drop a text that was being typed."""
    drafts.drop(call.desk, call.record_id, call.number("first_word"))


def confirm(call: Call) -> Changed:
    """Say that words are right."""
    return passage_edits.confirm(call.desk, call.record_id, call.body.first_word, call.body.last_word)


def restore(call: Call) -> Changed:
    """Take corrections away."""
    return passage_edits.restore(call.desk, call.record_id, call.body.first_word, call.body.last_word)


_RECORD = "/api/v1/records/{record_id}"
_PASSAGE = f"{_RECORD}/passages/{{first_word}}"

ENDPOINTS = (
    Endpoint(
        *("GET", f"{_RECORD}/transcript/outline", outline, "Where the segments of a transcript begin"),
        answer=Outline,
    ),
    Endpoint(
        *("GET", f"{_RECORD}/transcript", window, "The passages of some segments of a transcript"),
        query=WhichSegments,
        answer=Window,
    ),
    Endpoint("PUT", _PASSAGE, edit, "Store the text of a passage", body=NewText, answer=Changed),
    Endpoint("GET", f"{_PASSAGE}/heard", heard, "What the machine wrote for a passage", answer=Heard),
    Endpoint("PUT", f"{_PASSAGE}/draft", put_draft, "Keep a text that is being typed", body=NewDraft),
    Endpoint("DELETE", f"{_PASSAGE}/draft", drop_draft, "Drop a text that was being typed"),
    Endpoint(
        *("POST", f"{_RECORD}/confirm", confirm, "Say that words are right"),
        body=WordRange,
        answer=Changed,
    ),
    Endpoint(
        *("POST", f"{_RECORD}/restore", restore, "Take the corrections of words away"),
        body=WordRange,
        answer=Changed,
    ),
)
