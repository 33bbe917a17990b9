"""Turns endpoints into routes: reads what they take, runs them in a thread, writes what they answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from offhook.desk.desk import Desk
from offhook.web.call import (
    LARGEST_BODY_BYTES,
    Answers,
    Call,
    Endpoint,
    Stream,
    TooMuch,
    from_json,
    from_query,
    number_of,
    scope_of,
    seen_by,
)
from offhook.web.errors import Fault, FileTrouble, refusal
from offhook.web.rules import Rule
from offhook.web.work import Work
from shared.errors import OffhookError, in_words
from shared.logs import discreet
from shared.store.access import READ
from shared.store.audit import Note

log = logging.getLogger(__name__)

JSON = "application/json"


def route(endpoint: Endpoint, desk: Desk, work: Work) -> Route:
    """Return the route of an endpoint."""

    async def answer(request: Request) -> Response:
        # Also of those that take none: a broken request changes nothing.
        body = await read_body(request, endpoint.most_bytes)
        return await work.run_as(endpoint.kind, _answered, endpoint, desk, request, body)

    answers = endpoint.handler(desk, work) if isinstance(endpoint, Stream) else answer
    return Route(endpoint.path, guarded(answers), methods=[endpoint.method], name=endpoint.summary)


def guarded(answer: Answers, refused: Callable[[OffhookError], Response] = refusal) -> Answers:
    """Turn what goes wrong into the answer that `refused` makes of it.

    A fault of offhook's own is logged without what it names.
    """

    async def guard(request: Request) -> Response:
        try:
            return await answer(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except OffhookError as error:
            return refused(error)
        except OSError as error:
            log.warning("a request failed: %s", discreet(error))
            return refused(FileTrouble(f"{in_words(error)}."))
        except Exception:
            log.exception("a request failed")
            return refused(Fault())

    return guard


async def read_body(request: Request, most_bytes: int = LARGEST_BODY_BYTES) -> bytes:
    """Read a whole body. Raises TooMuch."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise TooMuch
    return bytes(body)


def _answered(endpoint: Endpoint, desk: Desk, request: Request, body: bytes) -> Response:
    query = from_query(endpoint.query, request.query_params) if endpoint.query else None
    given = from_json(endpoint.body, body) if endpoint.body else None
    seen = seen_by(request, desk)
    with seen.noting(*_notes(seen, request, given)) as noting:
        found = endpoint.handler(Call(noting, request, request.path_params, query, given))
    return as_response(found, endpoint.status)


def _notes(desk: Desk, request: Request, body: Any) -> list[Note]:
    """Return what a change is noted as, for each of its records; reads are noted by `admission.py`."""
    rule: Rule | None = getattr(request.state, "rule", None)
    if rule is None or not rule.action or scope_of(request.method) == READ:
        return []
    if ids := getattr(body, "ids", None):
        return [Note(rule.action, record.id) for record in desk.store.records.some(ids)]
    record_id = request.path_params.get("record_id")
    return [Note(rule.action, None if record_id is None else number_of(record_id))]


def as_response(found: Any, status: int = 200) -> Response:
    """Return what an endpoint answers."""
    if isinstance(found, Response):
        return found
    if found is None:
        return Response(status_code=204)
    return Response(msgspec.json.encode(found), status, media_type=JSON)
