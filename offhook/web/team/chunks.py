"""Takes chunks of recordings: each is whole and on the disk before its sender is told so, or nothing is."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from archive.incoming import folder_of
from archive.team_messages import CHUNK_BYTES, CHUNK_HASH, CHUNK_TYPE, OFFSET
from offhook.desk.chunk import Chunk, ChunkDamaged
from offhook.desk.desk import Desk
from offhook.desk.intake import wrong_offset
from offhook.desk.uploading import SPARE_BYTES
from offhook.web.call import Answers, BadCall
from offhook.web.errors import error_body
from offhook.web.receiving import patient, receive
from offhook.web.team.senders import intake_of, session_of
from offhook.web.tus_headers import content_length, number
from offhook.web.work import Work


def taking(desk: Desk, work: Work) -> Answers:
    """Return what takes a chunk."""

    async def take(request: Request) -> Response:
        if request.headers.get("content-type") != CHUNK_TYPE:
            return JSONResponse(error_body("bad_request", f"Content-Type must be {CHUNK_TYPE}."), 415)
        intake, session_id = intake_of(request, desk), session_of(request)
        offset, digest = number(request.headers, OFFSET.lower()), _digest(request)
        call = await work.run(intake.sending, session_id)
        if (arrived := await work.run(intake.offset, call)) != offset:
            raise wrong_offset(arrived)  # before its bytes come
        most_bytes = min(CHUNK_BYTES, call.size_bytes - offset)
        if (content_length(request.headers) or 0) > most_bytes:
            raise ChunkDamaged(f"At most {most_bytes:,} bytes may come.")
        chunk = await work.run(Chunk, folder_of(desk.settings), most_bytes, SPARE_BYTES)
        try:
            await receive(request.stream(), chunk, work)
            await work.run(chunk.check, digest)
            arrived = await work.run(intake.append, call, offset, chunk.blocks())
        finally:
            await work.run(chunk.close)
        return Response(status_code=204, headers={OFFSET: str(arrived)})

    return patient(take)


def _digest(request: Request) -> str:
    """Return the hash that a chunk is to have. Raises BadCall."""
    found = request.headers.get(CHUNK_HASH.lower())
    if found is None:
        raise BadCall(f"The header {CHUNK_HASH} is missing.")
    return found
