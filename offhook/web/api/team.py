"""What workstations call: they hand over their calls, and ask what becomes of them.

`archive/team_messages.py` has the types of what both sides say, `offhook/web/team/` what is more than JSON.
"""

from __future__ import annotations

import socket
from importlib.metadata import version
from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from archive import bundle
from archive.team_messages import (
    CHUNK_BYTES,
    CHUNK_HASH,
    CHUNK_TYPE,
    LARGEST_FACTS_BYTES,
    OFFSET,
    PREFIX,
    TAKEN,
    WANTED,
    Answer,
    CallFacts,
    Changes,
    Hit,
    Hits,
    Join,
    Joined,
    Owner,
    Server,
    Sha256,
)
from offhook.desk.call_news import news_of_record
from offhook.desk.desk import Desk
from offhook.desk.original import Original
from offhook.desk.searching import Place, Wanted, look
from offhook.web.api.search import Words
from offhook.web.call import Answers, Call, Endpoint, Stream, seen_by
from offhook.web.dispatch import JSON
from offhook.web.reads import SEARCH
from offhook.web.sound_response import SoundResponse
from offhook.web.team.chunks import taking
from offhook.web.team.polling import Since, polling
from offhook.web.team.refusals import TokenInUse
from offhook.web.team.senders import intake_of, sender_of, session_of
from offhook.web.visitors import Visitor
from offhook.web.work import LONG, STORAGE, Work
from shared.store.audit import Note
from shared.store.values import Record


class Search(Struct):
    """Words that are all said, `word*` for the beginning of one."""

    q: Words
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


def join(call: Call) -> Joined:
    """Bind the token to the workstation that has it, and say what it is good for. Raises TokenInUse."""
    visitor: Visitor = call.request.state.visitor
    person, asked = visitor.person, call.body
    if person is None or not call.desk.store.access.join(visitor.access_id, asked.host, asked.name):
        raise TokenInUse
    return Joined(
        Server(socket.gethostname(), version("offhook")),
        Owner(person.name, person.shown_name),
        sorted(visitor.scopes),
        call.desk.store.changes.latest(),
    )


def offer(call: Call) -> Answer:
    """Take up a call, or say what has become of it."""
    intake = intake_of(call.request, call.desk)
    found = intake.offer(session_of(call.request), call.body)
    if isinstance(found, Record):
        return _taken(call.desk, found)
    return Answer(WANTED, intake.offset(found), CHUNK_BYTES)


def commit(call: Call) -> Answer:
    """Turn a call whose recording has arrived into a record."""
    record = intake_of(call.request, call.desk).commit(session_of(call.request))
    return _taken(call.desk, record)


def delete(call: Call) -> None:
    """Delete a call; one that is not there is deleted already."""
    intake_of(call.request, call.desk).delete(session_of(call.request))


def transcript(call: Call) -> Response:
    """Answer with a transcript and all that is laid over it."""
    intake = intake_of(call.request, call.desk)
    record = intake.record(session_of(call.request))
    found = bundle.load(call.desk.store, record.id)
    intake.note_read(record, "read")
    return Response(bundle.as_json(found), media_type=JSON)


def search(call: Call) -> Hits:
    """Find moments in the calls that the workstation sees; it is noted if those are everybody's."""
    if sender_of(call.request).owner_id is None:
        call.desk.store.audit.note(call.desk.store.view, [Note(SEARCH, detail=call.query.q)])
    places = look(call.desk, call.query.q, call.query.limit, Wanted()).places
    records = call.desk.store.records.some({it.record_id for it in places})
    sessions = {it.id: it.session_id for it in records}
    return Hits([_hit(it, sessions[it.record_id]) for it in places if it.record_id in sessions])


def audio(desk: Desk, work: Work) -> Answers:
    """Return what answers with a recording as it was handed over, or the range of it that is asked for."""

    def original(request: Request) -> Original:
        intake = intake_of(request, seen_by(request, desk))
        record = intake.record(session_of(request))
        found = Original(desk, record)
        intake.note_read(record, "audio")
        return found

    async def answer(request: Request) -> Response:
        return SoundResponse(await work.run_as(STORAGE, original, request), work)

    return answer


def _taken(desk: Desk, record: Record) -> Answer:
    return Answer(TAKEN, sha256=record.sha256, record=news_of_record(desk.store, record))


def _hit(place: Place, session_id: str) -> Hit:
    return Hit(
        session_id,
        place.record_id,
        place.title,
        place.created_at,
        place.start_ms,
        place.end_ms,
        place.speaker,
        place.name,
        place.snippet,
        place.marks,
    )


_CALL = f"{PREFIX}/calls/{{session_id:str}}"
_Bytes = Annotated[int, Meta(ge=0)]
ENDPOINTS = (
    Endpoint(*("POST", f"{PREFIX}/join", join, "Join a workstation to the team"), body=Join, answer=Joined),
    Endpoint(
        *("PUT", _CALL, offer, "Take up a call of a workstation"),
        body=CallFacts,
        answer=Answer,
        also=(413, 429),
        most_bytes=LARGEST_FACTS_BYTES,
    ),
    Stream(
        *("PATCH", f"{_CALL}/content", taking, "A chunk of a call's recording"),
        takes=CHUNK_TYPE,
        headers={OFFSET: _Bytes, CHUNK_HASH: Sha256},
        status=204,
        also=(415, 423),
    ),
    Endpoint(
        *("POST", f"{_CALL}/commit", commit, "Turn a call that has arrived into a recording"),
        answer=Answer,
        kind=STORAGE,
    ),
    Stream(
        *("GET", f"{PREFIX}/changes", polling, "What has become of calls; waits for it"),
        query=Since,
        answer=Changes,
    ),
    Endpoint(
        *("GET", f"{_CALL}/transcript", transcript, "The transcript of a call, with what is laid over it"),
        answer=bundle.Bundle,
        kind=LONG,
    ),
    Stream(
        *("GET", f"{_CALL}/audio", audio, "The recording of a call, or a range of it"),
        media=(Original.mime,),
        also=(206, 416),
    ),
    Endpoint("DELETE", _CALL, delete, "Delete a call"),
    Endpoint(
        *("GET", f"{PREFIX}/search", search, "Find moments by words"),
        query=Search,
        answer=Hits,
        kind=LONG,
    ),
)
