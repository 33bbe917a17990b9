"""The capture protocol: JSON, one object per line, the same over stdio and the local socket.

`{"id": 7, "action": "start_recording", "params": {}}` is answered by `{"id": 7, "ok": true, "result": {}}` or
`{"id": 7, "ok": false, "error": {"code": "", "message": ""}}`. Events have no id and come in between.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from capture_worker.session import RecordingSession
from shared.capture_errors import BadRequest
from shared.errors import OffhookError
from shared.store.claims import Failure

log = logging.getLogger(__name__)

LONGEST_LINE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Action:
    """A method of the session, and the parameters of its request: texts, and those that are true or false."""

    run: Callable[..., Any]
    params: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()


#: What a client may say of a recording, and what it may choose for this one in the place of settings.
ABOUT, CHOSEN = ("output_path", "candidate_id", "project_id", "title"), ("microphone", "loopback", "layout")
ACTIONS = {
    "start_recording": Action(RecordingSession.start, ABOUT + CHOSEN, ("live",)),
    "stop_recording": Action(RecordingSession.stop, ("session_id",)),
    "get_recording_state": Action(RecordingSession.get_state),
    "check_audio_devices": Action(RecordingSession.check_devices),
    "attach_recording": Action(RecordingSession.attach, ("candidate_id", "project_id", "session_id")),
    "discard_recording": Action(RecordingSession.discard, ("session_id",)),
}
SUBSCRIBE_LEVELS, SUBSCRIBE_WORDS = "subscribe_levels", "subscribe_words"
LEVEL, WORDS = "level", "words"
#: These actions concern the client that asks, not the session: by them it wants the events of a type.
SUBSCRIPTIONS = {SUBSCRIBE_LEVELS: LEVEL, SUBSCRIBE_WORDS: WORDS}


@dataclass(frozen=True)
class Request:
    """A well-formed request; `answer` checks its action."""

    action: str
    id: Any = None
    params: dict[str, Any] = field(default_factory=dict)


def parse(line: bytes) -> Request:
    """Parse a line. Raises BadRequest."""
    if len(line) > LONGEST_LINE_BYTES:
        raise BadRequest(f"A line may have at most {LONGEST_LINE_BYTES} bytes.")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"This is not JSON: {error}.") from None
    if not isinstance(found, dict) or not isinstance(found.get("action"), str):
        raise BadRequest('A request is an object with an "action".')
    params = found.get("params") or {}
    if not isinstance(params, dict):
        raise BadRequest('"params" is an object.')
    return Request(found["action"], found.get("id"), params)


def answer(session: RecordingSession, request: Request) -> dict[str, Any]:
    """Carry a request out and return the reply; an error is a reply too."""
    try:
        action = ACTIONS.get(request.action)
        if action is None:
            raise BadRequest(f"There is no action {request.action!r}. There are: {', '.join(ACTIONS)}.")
        return succeeded(request.id, action.run(session, **_checked(request.params, action)))
    except (OffhookError, OSError) as error:
        return failed(request.id, error)
    except Exception as error:  # a fault of offhook must not end a recording
        log.exception("%s failed", request.action)
        return failed(request.id, error)


def succeeded(request_id: Any, result: Any) -> dict[str, Any]:
    """Return the reply to a request that was carried out."""
    return {"id": request_id, "ok": True, "result": result}


def failed(request_id: Any, error: Exception) -> dict[str, Any]:
    """Return the reply to a request that failed."""
    failure = Failure.of(error)
    return {"id": request_id, "ok": False, "error": {"code": failure.code, "message": failure.message}}


def encode(message: dict[str, Any]) -> bytes:
    """Return a message as a line."""
    return json.dumps(message, ensure_ascii=False).encode(errors="replace") + b"\n"


def _checked(params: dict[str, Any], action: Action) -> dict[str, Any]:
    for name, value in params.items():
        if name not in action.params + action.switches:
            known = ", ".join(action.params + action.switches) or "none"
            raise BadRequest(f"There is no parameter {name!r}. There are: {known}.")
        if value is None:
            continue
        if name in action.switches and not isinstance(value, bool):
            raise BadRequest(f"{name} is true or false.")
        if name in action.params and not _is_text(value):
            raise BadRequest(f"{name} is a text.")
    return params


def _is_text(value: Any) -> bool:
    """Whether a value is a string that can be stored: without NUL and without half a surrogate pair."""
    return isinstance(value, str) and not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value)
