"""Hearing a recording: the audio itself, and the copy that is made of what browsers cannot play."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from offhook.desk import playing
from offhook.desk.desk import Desk
from offhook.web.call import Answers, Call, Endpoint, Stream, seen_by
from offhook.web.sound_response import SoundResponse
from offhook.web.work import STORAGE, Work


class Playback(msgspec.Struct):
    """Whether a recording can be played, and if not, how far its copy is; `why` says why there is none."""

    ready: bool
    progress: float
    mime: str | None
    why: str | None
    is_copy: bool


def audio(desk: Desk, work: Work) -> Answers:
    """Return what answers with the audio, or the range of it that is asked for."""

    async def answer(request: Request) -> SoundResponse:
        call = Call(seen_by(request, desk), request, request.path_params)
        return SoundResponse(await work.run_as(STORAGE, _sound, call), work)

    return answer


def _sound(call: Call) -> playing.Sound:
    return playing.sound(call.desk, call.desk.store.records.get(call.record_id))


def playback(call: Call) -> Playback:
    """Say whether a recording can be played."""
    return _as_answer(playing.playback(call.desk, call.desk.store.records.get(call.record_id)))


def make_copy(call: Call) -> Playback:
    """Make a copy for a browser that cannot play the recording, or after a failure."""
    return _as_answer(playing.make_copy(call.desk, call.desk.store.records.get(call.record_id)))


def cancel(call: Call) -> None:
    """Stop making a copy."""
    call.desk.preparing.cancel("copy", call.desk.store.records.get(call.record_id))


def _as_answer(found: playing.Playback) -> Playback:
    return msgspec.convert(found, Playback, from_attributes=True)


_RECORD = "/api/v1/records/{record_id}"
_PLAYBACK = f"{_RECORD}/playback"

ENDPOINTS = (
    Stream(
        *("GET", f"{_RECORD}/audio", audio, "The audio of a recording, or a range of it"),
        media=tuple(playing.SUFFIXES),
        also=(206, 416),
    ),
    Endpoint(
        *("GET", _PLAYBACK, playback, "Whether a recording can be played; a copy is made if it needs one"),
        answer=Playback,
        kind=STORAGE,
    ),
    Endpoint(
        *("POST", _PLAYBACK, make_copy, "Make a copy of a recording that a browser cannot play"),
        answer=Playback,
        kind=STORAGE,
    ),
    Endpoint("DELETE", _PLAYBACK, cancel, "Stop making a copy"),
)
