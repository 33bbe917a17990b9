"""Who sends a request: a browser that is signed in, a program with a token, or nobody.

A browser's session is a cookie of its own for each port, since browsers keep cookies by host alone. A change
by a browser also needs a token in a header, which a page of another origin cannot read or send. For the same
reason a session is of no use to another user of this machine, where the system tells who that is.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from offhook.desk.password import LONGEST, is_right
from offhook.web.neighbours import ROOT
from shared.errors import OffhookError
from shared.store.access import LINK, READ, SESSION, TOKEN, WRITE, Access
from shared.store.store import Store

SESSION_SECONDS = 30 * 86_400.0
CSRF_HEADER = "x-csrf-token"
#: Wrong secrets in a minute, before further ones are refused unchecked.
MOST_FAILURES = 30
#: Wrong passwords in a minute; a password can be guessed, other secrets cannot.
MOST_PASSWORDS = 10
FAILURE_SECONDS = 60.0
LONGEST_SECRET = 200
#: Cookies of one name that are looked up.
MOST_COOKIES = 4


class TooManyGuesses(OffhookError):
    """Too many wrong secrets. Wait a minute."""

    code = "too_many"


@dataclass(frozen=True)
class Visitor:
    """Somebody who is let in; `csrf` is what changes need in their header, None for a program.

    `access_id` is the number of the session or token.
    """

    access_id: int
    scopes: frozenset[str]
    csrf: str | None = None
    name: str | None = None

    def may(self, scope: str) -> bool:
        """Whether a scope is open to the visitor."""
        return scope in self.scopes

    def proves(self, header: str | None) -> bool:
        """Whether a change comes from a page of the desk; compared in constant time."""
        if self.csrf is None:
            return True
        return hmac.compare_digest((header or "").encode(errors="replace"), self.csrf.encode())


class Failures:
    """The wrong secrets of the last minute."""

    def __init__(self, most: int, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._moments: deque[float] = deque(maxlen=most)

    def add(self) -> None:
        """Note a wrong secret."""
        self._moments.append(self._monotonic())

    @property
    def are_too_many(self) -> bool:
        """Whether there are as many as a minute may have."""
        is_full = len(self._moments) == self._moments.maxlen
        return is_full and self._monotonic() - self._moments[0] < FAILURE_SECONDS


class Doorkeeper:
    """Tells visitors apart by their secrets, and slows those down who guess."""

    def __init__(
        self,
        store: Store,
        port: int,
        *,
        is_secure: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self.is_secure = store, is_secure
        self.cookie = cookie_name(port, is_secure)
        self._failures = Failures(MOST_FAILURES, monotonic)
        self._passwords = Failures(MOST_PASSWORDS, monotonic)
        self._hashing = threading.Lock()

    def visitor(
        self, authorization: str | None, cookies: str | None, user: int | None = None
    ) -> Visitor | None:
        """Return who a request comes from, None if nobody knows. Raises StoreError.

        `user` is the number of the system's user who sends it, None if it is not known.
        """
        if authorization is not None:
            scheme, _, secret = authorization.partition(" ")
            found = self._find(TOKEN, secret.strip()) if scheme.casefold() == "bearer" else None
            return Visitor(found.id, frozenset(found.scopes.split()), name=found.name) if found else None
        for secret in self._sessions(cookies or ""):
            found = self._find(SESSION, secret)
            if found and _is_of(found, user):
                return Visitor(found.id, frozenset(found.scopes.split()), csrf_of(secret))
        return None

    def sign_in(self, link: str, user: int | None = None) -> str | None:
        """Turn a one-time link into a session and return its secret, None if the link opens nothing."""
        if not self._is_secret(link) or self._store.access.take(LINK, link) is None:
            return None
        return self._session_secret(user)

    def sign_in_with(self, password: str, user: int | None = None) -> str | None:
        """Turn the password into a session and return its secret, None if it is wrong. Raises TooManyGuesses.

        One password is hashed at a time: hashing takes 8 MB and a good part of a second, on purpose.
        """
        if self._passwords.are_too_many or not self._hashing.acquire(blocking=False):
            raise TooManyGuesses
        try:
            stored = self._store.access.password() if self.is_secure else None
            if stored is None or len(password) > LONGEST or not is_right(password, stored):
                self._passwords.add()
                return None
        finally:
            self._hashing.release()
        return self._session_secret(user)

    @property
    def is_guessed_at(self) -> bool:
        """Whether so many secrets were wrong in the last minute that others are refused unchecked."""
        return self._failures.are_too_many

    def cookie_header(self, secret: str) -> str:
        """Return the cookie of a session: not for scripts, and not sent by pages of other sites."""
        secure = "; Secure" if self.is_secure else ""
        age = int(SESSION_SECONDS)
        return f"{self.cookie}={secret}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"

    def _session_secret(self, user: int | None) -> str:
        """Make a session; its name is the number of its user."""
        name = None if user is None else str(user)
        return self._store.access.add(SESSION, f"{READ} {WRITE}", name=name, lives_seconds=SESSION_SECONDS)

    def _sessions(self, cookies: str) -> list[str]:
        """Return what stands under the cookie's name.

        Every program at this host may set cookies, also of this name, so what is none of ours is skipped.
        """
        pieces = (piece.strip().partition("=") for piece in cookies.split(";"))
        found = dict.fromkeys(value for name, _, value in pieces if name == self.cookie)
        return list(found)[:MOST_COOKIES]

    def _find(self, kind: str, secret: str) -> Access | None:
        """Look a secret up. A right one is always found: guessers cannot lock a person out."""
        found = self._store.access.find(kind, secret) if self._is_secret(secret) else None
        if found is None:
            self._failures.add()
        return found

    def _is_secret(self, text: str) -> bool:
        return 0 < len(text) <= LONGEST_SECRET and text.isascii()


def _is_of(session: Access, user: int | None) -> bool:
    """Whether a user may go on with a session; whoever is root can read the database anyway."""
    return session.name is None or user in (None, ROOT) or session.name == str(user)


def csrf_of(session: str) -> str:
    """Return what changes of a session need; the session cannot be told from it."""
    return sha256(f"csrf {session}".encode()).hexdigest()


def cookie_name(port: int, is_secure: bool) -> str:
    """Return the name of a session's cookie; a `__Host-` one cannot be set over HTTP, nor by another host."""
    return f"__Host-offhook_{port}" if is_secure else f"offhook_{port}"
