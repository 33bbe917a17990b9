"""The description of every address for programs, as OpenAPI 3.1: made from the endpoints themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec

from archive.team_messages import PREFIX
from offhook.web.call import Call, Endpoint, Stream, scope_of
from offhook.web.numbers import LARGEST
from offhook.web.visitors import CSRF_HEADER, cookie_name
from shared.store.access import READ

PATH = "/api/v1/openapi.json"
JSON = "application/json"
_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_REF = "#/components/schemas/{name}"

NOTHING, NOT_MODIFIED = 204, 304
BODILESS = (NOTHING, NOT_MODIFIED)

#: Why an error is answered: for every address, and for those that take a body, a number, or change something.
EVERYWHERE = {
    400: "The request is not what this address takes, or cannot be done",
    401: "Nobody is signed in: send a token",
    403: "The token lacks the scope, or the request comes from another site",
    421: "The request is for another host",
    429: "Too many wrong secrets in a minute",
    500: "A fault in offhook, or a file that cannot be read",
    503: "The database or a worker cannot be reached now",
}
WITH_BODY = {413: "The body is too large"}
WITH_PARAMETERS = {404: "There is no such record, or nothing of the kind at it"}
READING = {409: "The record is in a state that does not allow it"}
CHANGING = {
    409: "The state of the record or of the recorder does not allow it",
    422: "What was sent cannot be used",
    507: "The disk is full",
}


class Problem(msgspec.Struct):
    """What went wrong: a code for programs and a sentence for people."""

    code: str
    message: str
    details: Any = None


class Failure(msgspec.Struct):
    """The answer where something went wrong."""

    error: Problem


def described(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Return the endpoints and one more, which describes them all."""

    def describe(call: Call) -> dict[str, Any]:
        is_secure = call.request.url.scheme == "https"
        return document(every, cookie_name(call.request.scope["server"][1], is_secure))

    itself = Endpoint("GET", PATH, describe, "This description", answer=dict[str, Any])
    every = (*endpoints, itself)
    return every


def document(endpoints: Iterable[Endpoint], cookie: str) -> dict[str, Any]:
    """Return the description; `cookie` is the name of the session's cookie."""
    endpoints = tuple(endpoints)
    types = [kind for it in endpoints for kind in (it.body, it.query, it.answer) if kind is not None]
    unique = list({str(kind): kind for kind in [*types, Failure]}.values())
    schemas, components = msgspec.json.schema_components(unique, ref_template=_REF)
    known = dict(zip((str(kind) for kind in unique), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _Operation(endpoint, known, components).described()
        paths.setdefault(plain(endpoint.path), {})[endpoint.method.lower()] = operation
    asked = {_component(known[str(it.query)]) for it in endpoints if it.query}
    return {
        "openapi": "3.1.0",
        "info": {"title": "offhook", "version": version("offhook")},
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in asked},
            "securitySchemes": _security_schemes(cookie),
        },
    }


class _Operation:
    """One method of one address."""

    def __init__(self, endpoint: Endpoint, known: Mapping[str, Any], components: Mapping[str, Any]) -> None:
        self._endpoint, self._known, self._components = endpoint, known, components

    def described(self) -> dict[str, Any]:
        endpoint = self._endpoint
        found: dict[str, Any] = {
            "summary": endpoint.summary,
            "operationId": _operation_id(endpoint),
            "security": _security(endpoint),
            "responses": {str(status): it for status, it in sorted(self._responses().items())},
        }
        if parameters := [*self._path_parameters(), *self._query_parameters(), *self._headers()]:
            found["parameters"] = parameters
        if content := self._body():
            found["requestBody"] = {"content": content, "required": True}
        return found

    def _path_parameters(self) -> list[dict[str, Any]]:
        number = {"type": "integer", "minimum": 0, "maximum": LARGEST}
        text = {"type": "string", "minLength": 1}
        return [
            {"name": name, "in": "path", "required": True, "schema": text if kind else number}
            for name, kind in _PARAMETER.findall(self._endpoint.path)
        ]

    def _query_parameters(self) -> list[dict[str, Any]]:
        query = self._endpoint.query
        if query is None:
            return []
        schema = self._components[_component(self._known[str(query)])]
        required = schema.get("required", [])
        return [
            {"name": name, "in": "query", "required": name in required, "schema": it}
            for name, it in schema["properties"].items()
        ]

    def _headers(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "in": "header", "required": True, "schema": msgspec.json.schema(kind)}
            for name, kind in self._endpoint.headers.items()
        ]

    def _body(self) -> dict[str, Any]:
        if self._endpoint.takes:
            return {self._endpoint.takes: {}}
        return {JSON: {"schema": self._known[str(self._endpoint.body)]}} if self._endpoint.body else {}

    def _responses(self) -> dict[int, dict[str, Any]]:
        endpoint = self._endpoint
        failure = {JSON: {"schema": self._known[str(Failure)]}}
        found = {status: {"description": why, "content": failure} for status, why in self._errors().items()}
        done: dict[str, Any] = {"description": endpoint.summary}
        content = self._content()
        filled = {**done, "content": content} if content else done
        status = endpoint.status if content or isinstance(endpoint, Stream) else NOTHING
        found |= {it: done if it in BODILESS else filled for it in (status, *endpoint.also) if it < 400}
        refusals = [it for it in endpoint.also if it >= 400]
        return found | {it: {"description": HTTPStatus(it).phrase, "content": failure} for it in refusals}

    def _content(self) -> dict[str, Any]:
        if self._endpoint.media:
            return {media: {} for media in self._endpoint.media}
        answer = self._endpoint.answer
        return {JSON: {"schema": self._known[str(answer)]}} if answer is not None else {}

    def _errors(self) -> dict[int, str]:
        endpoint = self._endpoint
        is_change = scope_of(endpoint.method) != READ
        found = EVERYWHERE | (CHANGING if is_change else READING)
        found |= WITH_BODY if endpoint.body or isinstance(endpoint, Stream) else {}
        return found | (WITH_PARAMETERS if endpoint.query or is_change or "{" in endpoint.path else {})


def _component(schema: Mapping[str, str]) -> str:
    """Return the name of a described type; two types of one name get longer ones."""
    return schema["$ref"].removeprefix(_REF.format(name=""))


def plain(path: str) -> str:
    """Return a path without the kinds of its parameters."""
    return _PARAMETER.sub(r"{\1}", path)


def _operation_id(endpoint: Endpoint) -> str:
    words = re.findall(r"\w+", plain(endpoint.path).removeprefix("/api"))
    return "_".join([endpoint.method.lower(), *words])


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    """Return what lets a request in: a token with the scope, or the session of a page."""
    if endpoint.path.startswith(PREFIX):
        return [{"workstation": []}]
    needed = scope_of(endpoint.method)
    session: dict[str, list[str]] = {"session": []}
    return [{"token": [needed]}, session if needed == READ else {**session, "csrf": []}]


def _security_schemes(cookie: str) -> dict[str, Any]:
    return {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "Made by `offhook token create`; its scopes are `read` and `write`.",
        },
        "workstation": {
            "type": "http",
            "scheme": "bearer",
            "description": "Made by `offhook token create --workstation`.",
        },
        "session": {"type": "apiKey", "in": "cookie", "name": cookie, "description": "A page's session."},
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": CSRF_HEADER,
            "description": "A change by a page needs it, with the session.",
        },
    }
