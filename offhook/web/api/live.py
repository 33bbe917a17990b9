"""A call that is being recorded: how it goes, its text so far, and its sound so far."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from starlette.requests import Request

from offhook.desk import running_call
from offhook.desk.desk import Desk
from offhook.desk.running_sound import RunningSound
from offhook.web.call import Answers, Call, Endpoint, Stream, from_query
from offhook.web.live_stream import live_stream
from offhook.web.numbers import LARGEST
from offhook.web.server_events import MEDIA_TYPE
from offhook.web.sound_response import SoundResponse
from offhook.web.work import Work

Whole = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
#: Start and end in ms, text with the space before it, speaker.
LiveWord = tuple[int, int, str, str | None]


class LiveProgress(msgspec.Struct):
    """How the text of a call comes, as the capture protocol has it."""

    state: Literal["following", "ended", "off"]
    why: str | None
    behind_seconds: float
    final_seconds: float
    heard_seconds: float
    yields: str | None


class RunningCall(msgspec.Struct):
    """A call and its text: `says` tells in words how that comes, `waits` what waits for its end.

    `record_id` is None before the call is in the queue; `has_moved`: its text is that of the record now.
    `sound_ms` is how much of it can be played.
    """

    session_id: str
    title: str
    started_at: str
    duration_seconds: float
    state: Literal["recording", "stopped", "late", "interrupted", "queued"]
    record_id: int | None
    has_moved: bool
    language: str | None
    live: LiveProgress | None
    says: str
    waits: str | None
    names: dict[str, str]
    sound_ms: int


class LiveAnswer(msgspec.Struct):
    """A running call with words: final ones, which never change, and provisional ones."""

    call: RunningCall
    final: list[LiveWord]
    provisional: list[LiveWord]


class EarlierText(msgspec.Struct):
    """Final words by time; `earlier` is the window to ask with for those before, None if there are none."""

    final: list[LiveWord]
    earlier: int | None


class Moment(msgspec.Struct):
    """Words that begin at this time or later, in ms from the start."""

    from_ms: Whole = 0


class Before(msgspec.Struct):
    """The window before which words are wanted."""

    before: Whole


class Until(msgspec.Struct):
    """The length that is wanted, at most; without it, all that there is."""

    until_ms: Whole | None = None


class LastWindow(msgspec.Struct):
    """The last window that is known, the `id` of an event; the header Last-Event-ID goes before it."""

    after: Whole | None = None


def show(call: Call) -> LiveAnswer:
    """Return a call and its words from a moment on."""
    session_id, desk = call.path["session_id"], call.desk
    found = msgspec.convert(running_call.running_call(desk, session_id), RunningCall)
    return LiveAnswer(found, *running_call.from_moment(desk, session_id, call.query.from_ms))


def earlier(call: Call) -> EarlierText:
    """Return the words before a window."""
    found = running_call.before(call.desk, call.path["session_id"], call.query.before)
    return EarlierText(found.final, found.earlier)


def audio(desk: Desk, work: Work) -> Answers:
    """Return what answers with the sound so far, or the range of it that is asked for."""

    async def answer(request: Request) -> SoundResponse:
        wanted = from_query(Until, request.query_params)
        return SoundResponse(await work.run(_sound, desk, request.path_params["session_id"], wanted), work)

    return answer


def _sound(desk: Desk, session_id: str, wanted: Until) -> RunningSound:
    return RunningSound(desk, desk.store.captures.get(session_id), wanted.until_ms)


_CALL = "/api/v1/calls/{session_id:str}"

ENDPOINTS = (
    Endpoint(
        *("GET", f"{_CALL}/live", show, "A running call and its words from a moment on"),
        query=Moment,
        answer=LiveAnswer,
    ),
    Endpoint(
        *("GET", f"{_CALL}/live/earlier", earlier, "The words of a running call before those that are known"),
        query=Before,
        answer=EarlierText,
    ),
    Stream(
        *("GET", f"{_CALL}/live/events", live_stream, "A running call and its words, as they come"),
        query=LastWindow,
        media=(MEDIA_TYPE,),
    ),
    Stream(
        *("GET", f"{_CALL}/audio", audio, "The sound of a running call so far, or a range of it"),
        query=Until,
        media=(RunningSound.mime,),
        also=(206, 416),
    ),
)
