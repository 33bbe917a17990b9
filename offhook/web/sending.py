"""Recordings that are sent in one request: the body of `POST /api/v1/records` is the file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from offhook.desk import record_choices
from offhook.desk.adding import Added
from offhook.desk.desk import Desk
from offhook.desk.listing import rows
from offhook.desk.record_choices import RecordChoices, file_name
from offhook.desk.uploading import Uploads
from offhook.web.call import Answers, BadCall, from_query, seen_by
from offhook.web.receiving import patient, receive
from offhook.web.tus_headers import content_length
from offhook.web.work import STORAGE, Work
from shared.settings import RecordOptions

PATH = "/api/v1/records"
_KINDS = [(f.name, type(f.default) | None, None) for f in fields(RecordOptions)]
#: What the address says of the file, and chooses for its record.
SentRecording = msgspec.defstruct(
    "SentRecording",
    [
        ("name", str),
        *((name, str | None, None) for name in ("title", "candidate_id", "project_id")),
        ("priority", int | None, None),
        *_KINDS,
    ],
    forbid_unknown_fields=True,
)


def sending(desk: Desk, work: Work) -> Answers:
    """Return what takes a recording."""

    async def take(request: Request) -> Response:
        if request.headers.get("content-type", "").startswith("multipart/"):
            raise BadCall("The body must be the file itself: curl --data-binary @call.wav, not --form.")
        given = dict(request.query_params)
        from_query(SentRecording, given)
        name, chosen = file_name(given["name"]), record_choices.read(given)
        seen = seen_by(request, desk)
        added = await take_whole(request, request.stream(), name, chosen, Uploads(seen), work)
        location = {"Location": f"{PATH}/{added.record.id}"}
        status = 200 if added.was_known else 201
        return JSONResponse(await work.run(added_view, seen, added), status, location)

    return patient(take)


async def take_whole(
    request: Request,
    pieces: AsyncIterator[bytes],
    name: str,
    chosen: RecordChoices,
    uploads: Uploads,
    work: Work,
) -> Added:
    """Take a file whose bytes come in one go; nothing is left of it if they do not all come."""
    length = content_length(request.headers)
    part = await work.run(uploads.open, name, length)
    try:
        await receive(pieces, part, work)
        upload = await work.run(uploads.received, part, name, chosen)
    except BaseException:
        await work.run(uploads.abandon, part)
        raise
    return await work.run_as(STORAGE, uploads.finish, upload.id)


def added_view(desk: Desk, added: Added) -> dict[str, Any]:
    """Describe what a recording that was sent has become."""
    return {"record": rows(desk, [added.record])[0], "was_known": added.was_known}
