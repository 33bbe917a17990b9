"""Stands before every route: has the visitor the role for it, is its record the visitor's, what is noted.

In a home without people it lets everything pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offhook.desk.desk import Desk
from offhook.web.call import number_of
from offhook.web.errors import error_body, refusal
from offhook.web.numbers import whole_number
from offhook.web.reads import SEARCH, Reads
from offhook.web.rules import Rule, rule_of
from offhook.web.visitors import Visitor, address_of, is_api
from offhook.web.work import Work
from shared.errors import OffhookError
from shared.store.access import WORKSTATION
from shared.store.audit import Note

READING = ("GET", "HEAD", "OPTIONS")


def admitting(routes: Iterable[BaseRoute], desk: Desk, work: Work) -> list[BaseRoute]:
    """Return the routes, with an admission before each of them."""
    reads = Reads(desk)
    work.at_end(reads.stop)
    found = list(routes)
    for route in found:
        if isinstance(route, Route):
            route.app = Admission(route.app, route.path, desk, work, reads)
    return found


class Admission:
    """An ASGI application around that of one route."""

    def __init__(self, app: ASGIApp, path: str, desk: Desk, work: Work, reads: Reads) -> None:
        self._app, self._path, self._desk, self._work, self._reads = app, path, desk, work, reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor: Visitor | None = scope.get("state", {}).get("visitor")
        if visitor is None or not visitor.in_team:
            await self._app(scope, receive, send)
            return
        rule = rule_of(scope["method"], self._path)
        scope["state"]["rule"] = rule
        if refused := await self._refusal(scope, visitor, rule):
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, self._noting(scope, visitor, rule, send))

    async def _refusal(self, scope: Scope, visitor: Visitor, rule: Rule) -> Response | None:
        if visitor.kind != WORKSTATION and not visitor.is_at_least(rule.role):
            text = f"This needs the role {rule.role}."
            if is_api(scope):
                return JSONResponse(error_body("role", text), 403)
            return PlainTextResponse(text, 403)
        if visitor.owner_id is not None and is_api(scope) and "record_id" in scope["path_params"]:
            try:
                await self._work.run(self._require_seen, visitor, scope["path_params"]["record_id"])
            except OffhookError as error:
                return refusal(error)
        return None

    def _require_seen(self, visitor: Visitor, record_id: str) -> None:
        """Raise RecordNotFound for a record of another person, exactly as for one that is not there."""
        self._desk.store.seen_by(visitor.view()).records.get(number_of(record_id))

    def _noting(self, scope: Scope, visitor: Visitor, rule: Rule, send: Send) -> Send:
        """Return what sends the answer, and notes a read once it has begun well."""
        if not rule.action or scope["method"] not in READING:
            return send

        async def noting(message: Message) -> None:
            is_good = message["type"] == "http.response.start" and message["status"] < 400
            if is_good and (note := _note(scope, rule)):
                self._reads.add(visitor.view(address_of(scope)), note)
            await send(message)

        return noting


def _note(scope: Scope, rule: Rule) -> Note | None:
    if rule.action == SEARCH:
        words = parse_qs(scope["query_string"].decode(errors="replace")).get("q", [""])[0].strip()
        return Note(SEARCH, detail=words) if words else None
    return Note(rule.action, whole_number(scope["path_params"].get("record_id", "")))
