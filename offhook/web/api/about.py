"""What this desk is: its version, and who asks; and the end of a session."""

from __future__ import annotations

from importlib.metadata import version

import msgspec

from offhook.web.call import BadCall, Call, Endpoint


class About(msgspec.Struct):
    """The version of offhook, and the scopes of the caller."""

    version: str
    scopes: list[str]


def about(call: Call) -> About:
    """Say what answers here."""
    return About(version("offhook"), sorted(call.request.state.visitor.scopes))


def sign_out(call: Call) -> None:
    """End the session of the page that asks. Raises BadCall for a program's token."""
    visitor = call.request.state.visitor
    if visitor.csrf is None:
        raise BadCall("A token is no session. `offhook token revoke` ends it.")
    call.desk.store.access.revoke(visitor.access_id)


ENDPOINTS = (
    Endpoint("GET", "/api/v1", about, "What answers here", answer=About),
    Endpoint("DELETE", "/api/v1/session", sign_out, "Sign the browser out"),
)
