"""The one server that a workstation hands its recordings to: joined, away, or refusing its token.

The row is the truth: while there is one, local workers take no recordings.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.errors import StateConflict
from shared.store.database import Database
from shared.store.tables import JoinedServerRow
from shared.store.values import value_of

ONLY_ROW = 1
#: `last_seen_at` is written once in this time: each write wakes whoever waits for changes.
SEEN_SECONDS = 60.0


@dataclass(frozen=True)
class JoinedServer:
    """A server: its address, the token for it, and how it last answered.

    `after_seq` is the last of its changes that this home has taken over. `certificate` is the PEM text of the
    authority that is trusted, None for those of the system.
    """

    url: str
    token: str = field(repr=False)
    name: str
    person: str
    joined_at: float
    certificate: str | None = field(default=None, repr=False)
    last_seen_at: float | None = None
    refused_at: float | None = None
    away_at: float | None = None
    away_why: str | None = None
    after_seq: int = 0


class Joining:
    """Which server a home has joined."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def joined(self) -> JoinedServer | None:
        """Return the server that this home has joined, None if it transcribes its recordings itself."""
        row = self._database.first(JoinedServerRow.select())
        return value_of(JoinedServer, row) if row else None

    def is_joined(self) -> bool:
        """Whether recordings go to a server, so that local workers take none; it costs one look at a row."""
        return self._database.scalar(JoinedServerRow.select(JoinedServerRow.id)) is not None

    def enter(self, server: JoinedServer) -> JoinedServer:
        """Join a server, or change the token and certificate for the one that is joined.

        Raises StateConflict if another one is joined.
        """
        with self._database.transaction():
            present = self.joined()
            if present is None:
                columns = {**vars(server), "joined_at": self._clock(), "last_seen_at": self._clock()}
                self._database.run(JoinedServerRow.insert(id=ONLY_ROW, **columns))
            elif present.url != server.url:
                raise StateConflict(
                    f"This home has joined {present.name} ({present.url}). `offhook leave` ends that first."
                )
            else:
                renewed = {"token": server.token, "certificate": server.certificate, "name": server.name}
                self._write(**renewed, person=server.person, **self._answering())
            joined = self.joined()
        assert joined
        return joined

    def end(self) -> None:
        """Forget the server, its token too."""
        with self._database.transaction():
            self._database.run(JoinedServerRow.delete())

    def seen(self) -> None:
        """Note that the server has answered; most calls of this write nothing."""
        found = self.joined()
        if found is None:
            return
        age = self._clock() - (found.last_seen_at or 0.0)
        if found.away_at is not None or found.refused_at is not None or not 0 <= age < SEEN_SECONDS:
            self._write(**self._answering())

    def away(self, why: str) -> None:
        """Note that the server does not answer as it should; the first time and the last reason stay."""
        found = self.joined()
        if found and (found.away_at is None or found.away_why != why):
            self._write(away_at=found.away_at or self._clock(), away_why=why)

    def refused(self, why: str) -> None:
        """Note that the server refuses the token."""
        found = self.joined()
        if found and (found.refused_at is None or found.away_why != why):
            self._write(refused_at=found.refused_at or self._clock(), away_at=None, away_why=why)

    def took_over(self, seq: int) -> None:
        """Note the last change of the server that this home has taken over."""
        found = self.joined()
        if found and found.after_seq != seq:
            self._write(after_seq=seq)

    def _answering(self) -> dict[str, Any]:
        return {"last_seen_at": self._clock(), "away_at": None, "away_why": None, "refused_at": None}

    def _write(self, **columns: Any) -> None:
        with self._database.transaction():
            self._database.run(JoinedServerRow.update(**columns))
