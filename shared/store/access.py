"""Who may use the desk: one-time links, sessions of browsers, tokens of programs, and a person's password.

Only the SHA-256 of a secret is stored. A secret has 256 random bits, so a fast hash is enough, and a lookup
by the hash tells nothing of the secret by its time. A password has fewer: `offhook.desk.password` hashes it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from shared.store.database import Database
from shared.store.tables import AccessRow, PersonRow
from shared.store.values import sound

LINK, SESSION, TOKEN, PASSWORD = "link", "session", "token", "password"
#: The token of a machine that hands its calls over, and its scopes: the calls of its person, or all calls.
WORKSTATION = "workstation"
READ, WRITE, METRICS = "read", "write", "metrics"
OWN, ALL = "own", "all"
#: `last_used_at` is written once in this time, not with every request.
USE_SECONDS = 60.0
#: That of a workstation, which asks all the time, and of which there may be thousands.
WAIT_SECONDS = 600.0
SECRET_BYTES = 32
MOST_SESSIONS = 50


@dataclass(frozen=True)
class Access:
    """What a secret opens; `scopes` are separated by spaces."""

    id: int
    kind: str
    created_at: float
    scopes: str = ""
    name: str | None = None
    expires_at: float | None = None
    last_used_at: float | None = None
    person_id: int | None = None
    workstation: str | None = None


class AccessKeys:
    """The secrets that open the desk of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def add(
        self,
        kind: str,
        scopes: str,
        *,
        name: str | None = None,
        lives_seconds: float | None = None,
        person_id: int | None = None,
    ) -> str:
        """Make a secret and return it; it cannot be read again. None: of the person whose home it is."""
        secret, now = secrets.token_urlsafe(SECRET_BYTES), self._clock()
        row = {"kind": kind, "digest": _digest(secret), "scopes": scopes, "name": name, "created_at": now}
        with self._database.transaction():
            self._forget(now, person_id)
            expires_at = now + lives_seconds if lives_seconds is not None else None
            self._database.run(AccessRow.insert(**row, expires_at=expires_at, person_id=person_id))
        return secret

    def find(self, kind: str, secret: str, *, is_use: bool = True) -> Access | None:
        """Return what a secret opens, None if nothing or no more; note its use from time to time."""
        found = self._first(kind, secret)
        rest_seconds = WAIT_SECONDS if kind == WORKSTATION else USE_SECONDS
        if found and is_use and self._clock() - (found.last_used_at or 0.0) > rest_seconds:
            mine = AccessRow.id == found.id
            self._database.run(AccessRow.update(last_used_at=self._clock()).where(mine))
        return found

    def take(self, kind: str, secret: str) -> Access | None:
        """Return what a one-time secret opens, and remove it: of two that take it one gets it."""
        if self._first(kind, secret) is None:  # a guess keeps nobody from writing
            return None
        with self._database.transaction():
            found = self._first(kind, secret)
            return found if found and self.revoke(found.id) else None

    def every(self, kind: str) -> list[Access]:
        """Return the secrets of a kind that are valid, the oldest first."""
        query = AccessRow.select().where((AccessRow.kind == kind) & self._is_valid()).order_by(AccessRow.id)
        return list(sound(Access, self._database.all(query)))

    def join(self, access_id: int, workstation: str, name: str) -> bool:
        """Bind a workstation's token to the host that uses it first; False if it is another host's.

        `name` is what the host is called.
        """
        is_free = AccessRow.workstation.is_null() | (AccessRow.workstation == workstation)
        where = (AccessRow.id == access_id) & (AccessRow.kind == WORKSTATION) & is_free
        with self._database.transaction():
            return bool(self._database.run(AccessRow.update(workstation=workstation, name=name).where(where)))

    def standing(self, kind: str) -> frozenset[int]:
        """Return the numbers of the valid secrets of a kind whose person is not disabled."""
        disabled = PersonRow.select(PersonRow.id).where(PersonRow.disabled_at.is_null(False))
        is_in = AccessRow.person_id.is_null() | AccessRow.person_id.not_in(disabled)
        valid = (AccessRow.kind == kind) & self._is_valid() & is_in
        return frozenset(self._database.column(AccessRow.select(AccessRow.id).where(valid)))

    def revoke(self, access_id: int) -> bool:
        """Remove a secret; False if it is not there."""
        return self._database.run(AccessRow.delete().where(AccessRow.id == access_id)) > 0

    def keep_password(self, digest: str | None) -> None:
        """Replace the hash of the password, or remove it; whoever is signed in has to sign in again."""
        with self._database.transaction():
            over = AccessRow.kind.in_((PASSWORD, SESSION, LINK))
            self._database.run(AccessRow.delete().where(over))
            if digest is not None:
                row = {"kind": PASSWORD, "digest": digest, "created_at": self._clock()}
                self._database.run(AccessRow.insert(**row))

    def password(self) -> str | None:
        """Return the hash of the password, None if there is none."""
        row = self._database.first(AccessRow.select().where(AccessRow.kind == PASSWORD))
        return str(row["digest"]) if row else None

    def _first(self, kind: str, secret: str) -> Access | None:
        is_it = (AccessRow.kind == kind) & (AccessRow.digest == _digest(secret))
        row = self._database.first(AccessRow.select().where(is_it & self._is_valid()))
        found = sound(Access, [row]) if row else ()
        return found[0] if found else None

    def _is_valid(self) -> object:
        return AccessRow.expires_at.is_null() | (AccessRow.expires_at > self._clock())

    def _forget(self, now: float, person_id: int | None) -> None:
        """Remove what has expired, and the oldest sessions of a person who has too many."""
        self._database.run(AccessRow.delete().where(AccessRow.expires_at <= now))
        mine = AccessRow.person_id.is_null() if person_id is None else AccessRow.person_id == person_id
        sessions = (AccessRow.kind == SESSION) & mine
        newest = AccessRow.select(AccessRow.id).where(sessions)
        kept = newest.order_by(AccessRow.id.desc()).limit(MOST_SESSIONS)
        old = sessions & AccessRow.id.not_in(kept)
        self._database.run(AccessRow.delete().where(old))


def _digest(secret: str) -> str:
    return sha256(secret.encode(errors="replace")).hexdigest()
