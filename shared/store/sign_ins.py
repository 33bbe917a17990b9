"""Failed sign-ins, counted by what they have in common, so that guessing becomes slow on all servers at once.

Every attempt is counted as a failure before its password is looked at, and taken back if that was right. So
of many attempts at once, from any number of processes, no more are looked at than are allowed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.store.database import Database
from shared.store.tables import SignInRow

#: Failures are forgotten after a day.
FORGET_SECONDS = 86_400.0


@dataclass(frozen=True)
class Limit:
    """How guesses at one key are slowed: `free` failures cost nothing, then each one doubles the wait."""

    key: str
    free: int
    most_seconds: float

    def wait(self, failures: int) -> float:
        """Return how long no further attempt is looked at, in seconds."""
        beyond = failures - self.free
        return 0.0 if beyond <= 0 else min(self.most_seconds, 2.0 ** min(beyond - 1, 30))


class SignIns:
    """The failed sign-ins of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def charge(self, limits: Sequence[Limit]) -> float:
        """Count an attempt as failed, and return 0, or for how many seconds none is looked at."""
        now = self._clock()
        with self._database.transaction():
            self._forget(now)
            present = self._present([it.key for it in limits])
            waits = max((min(until - now, FORGET_SECONDS) for _, until in present.values()), default=0.0)
            if waits > 0:
                return waits
            for limit in limits:
                failures = present.get(limit.key, (0, 0.0))[0] + 1
                self._count(limit.key, failures, now, now + limit.wait(failures))
        return 0.0

    def forgive(self, limits: Sequence[Limit], forget: Sequence[Limit]) -> None:
        """Take an attempt back whose password was right, and forget all failures of some keys."""
        with self._database.transaction():
            keys = [it.key for it in limits]
            once = SignInRow.update(failures=SignInRow.failures - 1, blocked_until=0.0)
            self._database.run(once.where(SignInRow.key.in_(keys)))
            gone = SignInRow.key.in_([it.key for it in forget]) | (SignInRow.failures <= 0)
            self._database.run(SignInRow.delete().where(gone))

    def _present(self, keys: Sequence[str]) -> dict[str, tuple[int, float]]:
        rows = self._database.all(SignInRow.select().where(SignInRow.key.in_(list(keys))))
        return {row["key"]: (row["failures"], row["blocked_until"]) for row in rows}

    def _count(self, key: str, failures: int, now: float, blocked_until: float) -> None:
        row = {"key": key, "failures": failures, "first_at": now, "blocked_until": blocked_until}
        changed = {SignInRow.failures: failures, SignInRow.blocked_until: blocked_until}
        query = SignInRow.insert(**row).on_conflict(conflict_target=[SignInRow.key], update=changed)
        self._database.run(query)

    def _forget(self, now: float) -> None:
        """Remove what is a day old, and what is of a later time than now: a clock was put right."""
        old = (SignInRow.first_at < now - FORGET_SECONDS) | (SignInRow.first_at > now + FORGET_SECONDS)
        self._database.run(SignInRow.delete().where(old))
