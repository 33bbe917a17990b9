"""Why a workstation is not let in."""

from __future__ import annotations

from shared.errors import OffhookError


class NotJoined(OffhookError):
    """This token has not joined yet. Run `offhook join` on the workstation."""

    code = "not_joined"


class TokenInUse(OffhookError):
    """This token has joined from another workstation. Make one for this workstation."""

    code = "token_in_use"


class TokenRevoked(OffhookError):
    """This token opens nothing any more."""

    code = "not_signed_in"
