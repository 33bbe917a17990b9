"""Whether the server answers, as each part of the outbox finds it: written down, and logged once each way."""

from __future__ import annotations

import logging

from outbox_worker.errors import ServerAway, TokenRefused
from shared.logs import discreet
from shared.store.joining import Joining

log = logging.getLogger(__name__)


class Contact:
    """The contact with one server. It is away as long as one part finds it so."""

    def __init__(self, server: Joining) -> None:
        self._server = server
        self._troubles: dict[str, str] = {}
        self._is_away = False

    def works(self, part: str) -> None:
        """Note that a part has had an answer."""
        self._troubles.pop(part, None)
        if self._troubles:
            return
        if self._is_away:
            self._is_away = False
            log.info("the server answers again")
        self._server.seen()

    def fails(self, part: str, error: ServerAway | TokenRefused) -> None:
        """Note that a part has had none, or a refusal of the token."""
        self._troubles[part] = str(error)
        if not self._is_away:
            self._is_away = True
            log.warning("recordings wait here: %s", discreet(error))
        if isinstance(error, TokenRefused):
            self._server.refused(str(error))
        else:
            self._server.away(str(error))
