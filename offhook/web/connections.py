"""Connections that know whose they are, and give up on clients that send too slowly (slow loris)."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from offhook.web.neighbours import USER, user_at

#: For all headers of a request, from its first byte or from the connection.
HEADER_SECONDS = 10.0


class PatientConnection(H11Protocol):
    """A connection whose requests must come in time; uvicorn waits for headers without end."""

    _too_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start to wait for the first request."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, USER: user_at(self.client, self.server)}
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take a piece; wait for the rest of a request, not for its body."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._too_late is None:
            self._too_late = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._too_late:
            self._too_late.cancel()
            self._too_late = None

    def _give_up(self) -> None:
        self._too_late = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
