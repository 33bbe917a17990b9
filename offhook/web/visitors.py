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
from dataclasses import dataclass, replace
from hashlib import sha256

from starlette.types import Scope

from offhook.desk import authenticating
from offhook.desk.authenticating import Attempt
from offhook.desk.password import LONGEST, TooManyGuesses, is_right
from offhook.web.neighbours import PROXY, ROOT
from shared.store.access import ALL, LINK, READ, SESSION, TOKEN, WORKSTATION, WRITE, Access
from shared.store.people import Person
from shared.store.store import Store
from shared.store.view import EVERYBODY, MACHINE, View

SESSION_SECONDS = 30 * 86_400.0
#: Of a person in a team: at most, and without a request. An open event stream is no request.
PERSON_SECONDS, IDLE_SECONDS = 7 * 86_400.0, 12 * 3600.0
CSRF_HEADER = "x-csrf-token"
API_FOLDERS = ("/api/", "/v1/")
#: Wrong secrets in a minute, before further ones are refused unchecked.
MOST_FAILURES = 30
#: Wrong passwords in a minute; a password can be guessed, other secrets cannot.
MOST_PASSWORDS = 10
FAILURE_SECONDS = 60.0
LONGEST_SECRET = 200
#: For how long it counts whether a home has people.
TEAM_SECONDS = 1.0
#: Cookies of one name that are looked up.
MOST_COOKIES = 4


@dataclass(frozen=True)
class Visitor:
    """Somebody who is let in; `csrf` is what changes need in their header, None for a program.

    `access_id` is the number of the session or token, `kind` tells which it is. `person` is None for whoever
    works on the machine itself, as everybody does in a home without people; `in_team` says if it has some.
    """

    access_id: int
    scopes: frozenset[str]
    csrf: str | None = None
    name: str | None = None
    person: Person | None = None
    kind: str = SESSION
    in_team: bool = False
    workstation: str | None = None

    @property
    def owner_id(self) -> int | None:
        """The owner of all records that the visitor sees; None: everybody's are seen.

        A workstation sees the calls of its person, also if the person sees all, unless its token says more.
        """
        if self.kind == WORKSTATION and self.person and ALL not in self.scopes:
            return self.person.id
        return None if self.person is None or ALL in self.scopes else self.person.owner_id

    def may(self, scope: str) -> bool:
        """Whether a scope is open to the visitor."""
        return scope in self.scopes

    def is_at_least(self, role: str) -> bool:
        """Whether the visitor may do what a role may."""
        return self.person is None or self.person.is_at_least(role)

    def view(self, address: str = "") -> View:
        """Return the view of the store that the visitor has; `address` is for the audit log."""
        if not self.in_team:
            return EVERYBODY
        if self.person is None:
            return replace(MACHINE, address=address)
        return View(self.owner_id, self.person.id, self.person.name, address)

    def is_as(self, other: Visitor) -> bool:
        """Whether the visitor may still see and do what another one may: the same access at an other time."""
        return (self.access_id, self.owner_id, self.role) == (other.access_id, other.owner_id, other.role)

    @property
    def role(self) -> str | None:
        """The role of the person, None for whoever works on the machine itself."""
        return self.person.role if self.person else None

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

    def __init__(self, store: Store, port: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store, self._port = store, port
        self._failures = Failures(MOST_FAILURES, monotonic)
        self._passwords = Failures(MOST_PASSWORDS, monotonic)
        self._hashing = threading.Lock()
        self._monotonic = monotonic
        self._team = float("-inf"), False

    def visitor(
        self,
        authorization: str | None,
        cookies: str | None,
        user: int | None = None,
        *,
        is_secure: bool = False,
        is_use: bool = True,
    ) -> Visitor | None:
        """Return who a request comes from, None if nobody knows. Raises StoreError.

        `user` is the number of the system's user who sends it, None if it is not known; `is_secure` says
        that it comes over TLS. A session that is only looked at, not used, becomes idle.
        """
        if authorization is not None:
            scheme, _, secret = authorization.partition(" ")
            found = self._find(secret.strip(), TOKEN, WORKSTATION) if scheme.casefold() == "bearer" else None
            return self._visitor(found) if found else None
        for secret in self._sessions(cookies or "", is_secure):
            found = self._find(secret, SESSION, is_use=is_use)
            if found and _is_of(found, user) and not self._is_idle(found):
                return self._visitor(found, csrf_of(secret))
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
            stored = self._store.access.password()
            if stored is None or len(password) > LONGEST or not is_right(password, stored):
                self._passwords.add()
                return None
        finally:
            self._hashing.release()
        return self._session_secret(user)

    @property
    def is_team(self) -> bool:
        """Whether the home has people; looked up now and then."""
        looked_at, found = self._team
        if self._monotonic() - looked_at > TEAM_SECONDS:
            found = self._store.people.are_there()
            self._team = self._monotonic(), found
        return found

    @property
    def is_guessed_at(self) -> bool:
        """Whether so many secrets were wrong in the last minute that others are refused unchecked."""
        return self._failures.are_too_many

    def sign_in_as(self, attempt: Attempt, cookies: str | None) -> str | None:
        """Turn a name and its password into a session and return its secret, None if they are wrong.

        The session that the browser had ends. It takes a good part of a second, and 64 MB, on purpose.
        Raises TooManyGuesses, AccountsUnavailable.
        """
        secret = authenticating.sign_in(self._store, attempt, PERSON_SECONDS)
        for before in self._sessions(cookies or "", is_secure=True) if secret else ():
            if found := self._store.access.find(SESSION, before, is_use=False):
                self._store.access.revoke(found.id)
        return secret

    def cookie_header(self, secret: str, *, is_secure: bool) -> str:
        """Return the cookie of a session: not for scripts, and not sent by pages of other sites."""
        secure, name = "; Secure" if is_secure else "", cookie_name(self._port, is_secure)
        age = int(SESSION_SECONDS)
        return f"{name}={secret}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"

    def _session_secret(self, user: int | None) -> str:
        """Make a session; its name is the number of its user."""
        name = None if user in (None, PROXY) else str(user)
        return self._store.access.add(SESSION, f"{READ} {WRITE}", name=name, lives_seconds=SESSION_SECONDS)

    def _sessions(self, cookies: str, is_secure: bool) -> list[str]:
        """Return what stands under the cookie's name.

        Every program at this host may set cookies, also of this name, so what is none of ours is skipped.
        """
        pieces = (piece.strip().partition("=") for piece in cookies.split(";"))
        mine = cookie_name(self._port, is_secure)
        found = dict.fromkeys(value for name, _, value in pieces if name == mine)
        return list(found)[:MOST_COOKIES]

    def _find(self, secret: str, *kinds: str, is_use: bool = True) -> Access | None:
        """Look a secret up. A right one is always found: guessers cannot lock a person out."""
        for kind in kinds if self._is_secret(secret) else ():
            if found := self._store.access.find(kind, secret, is_use=is_use):
                return found
        self._failures.add()
        return None

    def _visitor(self, found: Access, csrf: str | None = None) -> Visitor | None:
        """Return who an access lets in, None if its person is disabled."""
        person = None if found.person_id is None else self._store.people.find(found.person_id)
        if found.person_id is not None and (person is None or person.disabled_at is not None):
            return None
        name = None if found.kind == SESSION else found.name
        in_team = person is not None or self.is_team
        scopes, where = frozenset(found.scopes.split()), found.workstation
        return Visitor(found.id, scopes, csrf, name, person, found.kind, in_team, where)

    def _is_idle(self, session: Access) -> bool:
        used_at = session.last_used_at or session.created_at
        return session.person_id is not None and self._store.clock() - used_at > IDLE_SECONDS

    def _is_secret(self, text: str) -> bool:
        return 0 < len(text) <= LONGEST_SECRET and text.isascii()


def _is_of(session: Access, user: int | None) -> bool:
    """Whether a user may go on with a session; whoever is root can read the database anyway."""
    return session.name is None or user in (None, ROOT) or session.name == str(user)


def is_api(scope: Scope) -> bool:
    """Whether a request is for a program rather than for a person."""
    return str(scope["path"]).startswith(API_FOLDERS)


def address_of(scope: Scope) -> str:
    """Return the address that a request comes from, as the audit log has it."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def is_secure(scope: Scope) -> bool:
    """Whether a request comes over TLS, to this server or to its proxy."""
    return bool(scope["scheme"] == "https")


def csrf_of(session: str) -> str:
    """Return what changes of a session need; the session cannot be told from it."""
    return sha256(f"csrf {session}".encode()).hexdigest()


def cookie_name(port: int, is_secure: bool) -> str:
    """Return the name of a session's cookie; a `__Host-` one cannot be set over HTTP, nor by another host."""
    return f"__Host-offhook_{port}" if is_secure else f"offhook_{port}"
