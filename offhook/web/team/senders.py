"""Which workstation sends a request, and which call it is about."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from archive.team_messages import Session
from offhook.desk.desk import Desk
from offhook.desk.intake import Intake, Sender
from offhook.web.call import BadCall
from offhook.web.team.refusals import NotJoined
from offhook.web.visitors import Visitor


def sender_of(request: Request) -> Sender:
    """Return the workstation that sends a request. Raises NotJoined."""
    visitor: Visitor = request.state.visitor
    if visitor.person is None or visitor.workstation is None:
        raise NotJoined
    return Sender(visitor.person.id, visitor.workstation, visitor.owner_id)


def intake_of(request: Request, desk: Desk) -> Intake:
    """Return what takes the calls of the workstation that sends a request. Raises NotJoined."""
    return Intake(desk, sender_of(request))


def session_of(request: Request) -> str:
    """Return the session id in the address. Raises BadCall."""
    try:
        return msgspec.convert(request.path_params["session_id"], Session)
    except msgspec.ValidationError:
        raise BadCall("A session id is a UUID in small letters.") from None
