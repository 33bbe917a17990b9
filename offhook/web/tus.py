"""Uploads that can be interrupted, by the tus protocol 1.0 with creation, termination and expiration.

A request that ends a recording answers with the number of its record: in the header `Offhook-Record`, and as
JSON to a client that accepts that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from offhook.desk import record_choices
from offhook.desk.desk import Desk
from offhook.desk.part_file import PartFile
from offhook.desk.record_choices import file_name
from offhook.desk.uploading import Uploads
from offhook.web.call import Answers, seen_by
from offhook.web.errors import error_body
from offhook.web.receiving import patient, receive
from offhook.web.sending import added_view
from offhook.web.tus_headers import CHUNK, EXTENSIONS, VERSION, content_length, http_date, metadata, number
from offhook.web.work import STORAGE, Work
from shared.errors import TooLarge
from shared.store.values import Upload

PATH = "/api/v1/uploads"
RECORD, WAS_KNOWN = "Offhook-Record", "Offhook-Was-Known"
_JSON = "application/json"


class Tus:
    """The protocol over the uploads of one desk, as one visitor sees it."""

    def __init__(self, desk: Desk, work: Work) -> None:
        self._desk, self._work, self._uploads = desk, work, Uploads(desk)

    async def options(self, _: Request) -> Response:
        """Say what the server can."""
        most = int(self._uploads.largest_bytes)
        told = {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": str(most)}
        return Response(status_code=204, headers={"Tus-Resumable": VERSION, **told})

    async def create(self, request: Request) -> Response:
        """Begin an upload."""
        size_bytes = number(request.headers, "upload-length")
        given = metadata(request.headers.get("upload-metadata", ""))
        name = file_name(given.get("filename") or given.get("name") or "")
        upload = await self._work.run(self._uploads.begin, name, size_bytes, record_choices.read(given))
        return await self._told(upload, 0, 201, {"Location": f"{PATH}/{upload.id}"})

    async def head(self, request: Request) -> Response:
        """Say how far an upload is."""
        upload_id = request.path_params["upload_id"]
        record = await self._work.run(self._uploads.record_of, upload_id)
        if record:
            size = str(record.size_bytes or 0)
            told = {"Upload-Offset": size, "Upload-Length": size, RECORD: str(record.id)}
            return Response(headers=told)
        upload = await self._work.run(self._uploads.find, upload_id)
        return await self._told(upload, await self._work.run(self._uploads.offset, upload), 200)

    async def patch(self, request: Request) -> Response:
        """Take bytes."""
        if request.headers.get("content-type") != CHUNK:
            return JSONResponse(error_body("bad_request", f"Content-Type must be {CHUNK}."), 415)
        offset = number(request.headers, "upload-offset")
        upload = await self._work.run(self._uploads.find, request.path_params["upload_id"])
        _refuse_too_much(upload, offset + (content_length(request.headers) or 0))
        part = await self._work.run(self._uploads.appending, upload, offset)
        try:
            await receive(request.stream(), part, self._work)
        finally:
            await self._work.run(part.close)
        return await self._patched(request, upload, part)

    async def _patched(self, request: Request, upload: Upload, part: PartFile) -> Response:
        if part.size_bytes < upload.size_bytes:
            return await self._told(upload, part.size_bytes, 204)
        added = await self._work.run_as(STORAGE, self._uploads.finish, upload.id)
        told = {"Upload-Offset": str(part.size_bytes), RECORD: str(added.record.id)}
        told[WAS_KNOWN] = str(added.was_known).lower()
        if _JSON in request.headers.get("accept", ""):
            return JSONResponse(await self._work.run(added_view, self._desk, added), headers=told)
        return Response(status_code=204, headers=told)

    async def delete(self, request: Request) -> Response:
        """Cancel an upload; it waits for one that is being put into a storage."""
        await self._work.run_as(STORAGE, self._uploads.cancel, request.path_params["upload_id"])
        return Response(status_code=204)

    async def _told(
        self, upload: Upload, offset: int, status: int, more: dict[str, str] | None = None
    ) -> Response:
        """Answer with how far an upload is, and until when it is kept."""
        expires_at = await self._work.run(self._uploads.expires_at, upload)
        told = {"Upload-Offset": str(offset), "Upload-Length": str(upload.size_bytes)}
        return Response(
            status_code=status, headers={**told, "Upload-Expires": http_date(expires_at), **(more or {})}
        )


def unlisted_routes(desk: Desk, work: Work) -> list[Route]:
    """Return the routes of the methods that a description of addresses leaves out."""
    options, one = tus_answers(desk, work, Tus.options), f"{PATH}/{{upload_id}}"
    return [
        Route(PATH, options, methods=["OPTIONS"]),
        Route(one, options, methods=["OPTIONS"]),
        Route(one, resumable(tus_answers(desk, work, Tus.head)), methods=["HEAD"]),
    ]


def tus_answers(desk: Desk, work: Work, method: Callable[[Tus, Request], Awaitable[Response]]) -> Answers:
    """Return what answers with a method of the protocol, each request as its visitor sees the desk."""

    async def answer(request: Request) -> Response:
        return await method(Tus(seen_by(request, desk), work), request)

    return answer


def resumable(answer: Answers) -> Answers:
    """Refuse other versions of the protocol, and name this one in every answer."""

    async def versioned(request: Request) -> Response:
        if request.headers.get("tus-resumable") == VERSION:
            response = await patient(answer)(request)
        else:
            text = f"The header Tus-Resumable must be {VERSION}."
            response = JSONResponse(error_body("bad_request", text), 412, {"Tus-Version": VERSION})
        response.headers["Tus-Resumable"] = VERSION
        return response

    return versioned


def _refuse_too_much(upload: Upload, end: int) -> None:
    if end > upload.size_bytes:
        raise TooLarge(f"The upload has {upload.size_bytes:,} bytes; this request would end at {end:,}.")
