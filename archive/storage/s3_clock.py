"""Signs requests by the clock of the S3 server: one that is more than 15 minutes off is refused otherwise.

boto3 signs by this machine's clock. The server's answer says what its own clock has; after a refusal the
request is signed again by that clock, and all later ones too.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_REFUSED = 403
#: What the clocks differ by before it is taken for the reason of a refusal.
APART_SECONDS = 60.0


class ServerClock:
    """How far the server's clock is ahead of this machine's, as far as is known."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def use_for(self, client: Any) -> None:
        """Let a client of boto3 sign by this clock."""
        from botocore import auth

        clock, name = self, f"s3v4-by-server-clock-{id(self)}"

        class Auth(auth.S3SigV4Auth):  # type: ignore[misc]
            """Amazon's signature, with another time."""

            def _modify_request_before_signing(self, request: Any) -> None:
                request.context["timestamp"] = clock.timestamp()
                super()._modify_request_before_signing(request)

        auth.AUTH_TYPE_MAPS[name] = Auth
        client.meta.events.register_first("choose-signer.s3", lambda **_: name)
        client.meta.events.register_first("needs-retry.s3", self._asked_again)

    def timestamp(self) -> str:
        """Return the server's time as it is signed."""
        return time.strftime(_TIMESTAMP, time.gmtime(time.time() + self.ahead_seconds))

    def _asked_again(self, response: Any, **_: object) -> float | None:
        """Return after how many seconds a refused request is signed again; None leaves it to boto3."""
        if response is None or response[0].status_code != _REFUSED:
            return None
        ahead = _ahead(response[0].headers)
        if ahead is None or abs(ahead - self.ahead_seconds) < APART_SECONDS:
            return None
        self.ahead_seconds = ahead
        return 0.0


def _ahead(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers["date"]).timestamp() - time.time()
    except (KeyError, ValueError, TypeError):
        return None
