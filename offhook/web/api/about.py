"""What this desk is: its version, and who asks."""

from __future__ import annotations

from importlib.metadata import version

import msgspec

from offhook.web.call import Call, Endpoint


class About(msgspec.Struct):
    """The version of offhook, and the scopes of whoever asks."""

    version: str
    scopes: list[str]


def about(call: Call) -> About:
    """Say what answers here."""
    return About(version("offhook"), sorted(call.request.state.visitor.scopes))


ENDPOINTS = (Endpoint("GET", "/api/v1", about, "What answers here", answer=About),)
