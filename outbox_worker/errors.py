"""What can go wrong between a workstation and its server: what passes, and what needs a person."""

from __future__ import annotations

from shared.errors import OffhookError


class ServerAway(OffhookError):
    """The server cannot be reached, or does not answer as it should; it is asked again later."""

    code = "server_away"

    def __init__(self, message: str | None = None, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TokenRefused(OffhookError):
    """The server refuses the token of this workstation."""

    code = "token_refused"
    remedy = "Ask for a new one, and give it to `offhook join`; the recordings stay here until then."


class ServerRefused(OffhookError):
    """The server refuses what it was asked, and would refuse it again."""

    code = "server_refused"

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class TransferBroken(OffhookError):
    """What has arrived at the server is not what was sent. The transfer goes on from what the server has."""

    code = "transfer_broken"


class ServerAddress(OffhookError):
    """The address of a server is `https://` and its name; `http://` leads to this machine alone."""

    code = "server_address"


class OnlyAtTheServer(OffhookError):
    """The recording was handed to the server, and was deleted here."""

    code = "only_at_the_server"
