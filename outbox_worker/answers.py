"""What a server answers, and how an answer that is none, or a refusal, becomes an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import httpx2
import msgspec

from outbox_worker.backoff import asked_seconds
from outbox_worker.errors import ServerAway, ServerRefused, TokenRefused

Answer = TypeVar("Answer")
UNAUTHORIZED, FORBIDDEN, TIMEOUT, PROXY, BUSY = 401, 403, 408, 407, 429
LONGEST_MESSAGE = 500
#: Codes with which a server says that the caller, not the call, is refused.
_OF_THE_TOKEN = ("not_signed_in", "scope", "token_in_use", "not_joined")


@dataclass(frozen=True)
class _Error:
    code: str
    message: str = ""


@dataclass(frozen=True)
class _Refusal:
    error: _Error


def read(body: bytes, kind: type[Answer]) -> Answer:
    """Read an answer. Raises ServerAway if it is not offhook's own, as a page of a hotel's network."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise ServerAway("What answers there is no offhook server of this version.") from None


def check(answer: httpx2.Response, body: bytes) -> None:
    """Let only a success pass. Raises ServerAway, TokenRefused, ServerRefused."""
    status, said = answer.status_code, _said(body)
    if 200 <= status < 300:
        return
    if (
        status in (UNAUTHORIZED, FORBIDDEN)
        and said
        and (status == UNAUTHORIZED or said.code in _OF_THE_TOKEN)
    ):
        raise TokenRefused(said.message or None)
    if said and 400 <= status < 500 and status not in (TIMEOUT, PROXY, BUSY):
        raise ServerRefused(status, said.code, said.message or "The server refuses it.")
    why = f" ({said.message})" if said and said.message else ""
    wait = asked_seconds(answer.headers.get("Retry-After"))
    raise ServerAway(f"It answered {status}{why}.", wait)


def _said(body: bytes) -> _Error | None:
    """Return the error that offhook's server gives; None if somebody else has answered, such as a proxy."""
    try:
        found = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return _Error(found.code[:100], found.message[:LONGEST_MESSAGE])
