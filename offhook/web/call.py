"""A call of an endpoint, and the endpoint itself: one table gives routes, checks and their description."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from offhook.desk.desk import Desk
from offhook.web.numbers import whole_number
from offhook.web.visitors import address_of
from offhook.web.work import QUICK, Work
from shared.errors import OffhookError, RecordNotFound
from shared.store.access import READ, WRITE

#: Of a JSON body; recordings have ways of their own.
LARGEST_BODY_BYTES = 1_000_000
_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")

Given = TypeVar("Given")


class BadCall(OffhookError):
    """The request is not what this address takes."""

    code = "bad_request"


class TooMuch(BadCall):
    """The body is larger than this address takes."""

    code = "too_much"


@dataclass(frozen=True)
class Call:
    """What an endpoint is called with; `body` and `query` have the types that it declares."""

    desk: Desk
    request: Request
    path: Mapping[str, str]
    query: Any = None
    body: Any = None

    @property
    def record_id(self) -> int:
        """The number of the record in the address. Raises RecordNotFound."""
        return self.number("record_id")

    def number(self, name: str) -> int:
        """A number in the address. Raises RecordNotFound."""
        return number_of(self.path[name])


def seen_by(request: Request, desk: Desk) -> Desk:
    """Return the desk as the visitor sees it."""
    return desk.seen_by(request.state.visitor.view(address_of(request.scope)))


@dataclass(frozen=True)
class Endpoint:
    """An address, its method, what it takes and what it answers.

    `handler` runs in a thread. It returns a Struct, a dictionary or a list, which becomes JSON; None, which
    is an empty answer (204); or a Response. `body` and `query` are the types of what it takes, `answer` is
    the type of the JSON that it answers, None without JSON. A parameter of the path is a number, read by
    `Call.number`, unless it is written `{name:str}`. `media` names the types of an answer that is not JSON,
    `takes` the type of such a body, `headers` the types of headers that it needs, and `also` the statuses it
    may answer beside `status` and the errors that every address has. `kind` says in which threads it runs
    (`work.py`). `most_bytes` is the largest body that is read.
    """

    method: str
    path: str
    handler: Callable[[Call], Any]
    summary: str
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    answer: Any = None
    status: int = 200
    media: tuple[str, ...] = ()
    takes: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[int, ...] = ()
    kind: str = QUICK
    most_bytes: int = LARGEST_BODY_BYTES

    @property
    def scope(self) -> str:
        """The scope that a program's token needs."""
        return scope_of(self.method)


#: Answers a request in the event loop: for what takes or gives more than one piece of JSON.
Answers = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Stream(Endpoint):
    """An address of events, sound or an upload: `handler` is called once, and returns what answers."""

    handler: Callable[[Desk, Work], Answers]  # type: ignore[assignment]


def scope_of(method: str) -> str:
    """Return the scope that a method needs: reading ones change nothing."""
    return READ if method in _CHANGES_NOTHING else WRITE


def number_of(text: str) -> int:
    """Return the number of a record, or of something of it, in an address. Raises RecordNotFound."""
    found = whole_number(text)
    if found is None:
        raise RecordNotFound(f"{text!a} is not a number.")
    return found


def from_json(kind: type[Given], body: bytes) -> Given:
    """Read a JSON body. Raises BadCall, naming the field."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadCall(f"The body cannot be taken: {error}.") from None


def from_query(kind: type[Given], query: Mapping[str, str]) -> Given:
    """Read the part of an address after the question mark. Raises BadCall, naming the parameter."""
    try:
        return msgspec.convert(dict(query), type=kind, strict=False)
    except msgspec.MsgspecError as error:
        raise BadCall(f"The address cannot be taken: {error}.") from None
