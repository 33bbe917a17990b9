"""How a person and a program get at the desk's server: its address, one-time links, tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass

from offhook.desk.desk import Desk
from shared.errors import OffhookError
from shared.files import read_regular
from shared.locks import is_free
from shared.store.access import LINK, METRICS, READ, TOKEN, WORKSTATION, WRITE, Access
from shared.store.audit import Note
from shared.store.people import Person
from shared.store.view import MACHINE

SERVER_LOCK = "web-server.lock"
LINK_SECONDS = 120.0
SCOPES = (READ, WRITE, METRICS)
LONGEST_NAME = 200
_LARGEST_BYTES = 10_000


class DeskNotRunning(OffhookError):
    """The desk's server does not run. Start it: python start.py"""

    code = "desk_not_running"


class NoSuchToken(OffhookError):
    """There is no such token. `offhook token list` shows them all."""

    code = "no_such_token"


@dataclass(frozen=True)
class NewToken:
    """A token that was made; its secret cannot be read again."""

    access: Access
    secret: str


def address(desk: Desk) -> str:
    """Return where the desk's server listens. Raises DeskNotRunning."""
    try:
        found = json.loads(read_regular(desk.settings.web, _LARGEST_BYTES))
        url = str(found["url"])
    except (OSError, OffhookError, ValueError, KeyError, TypeError):
        raise DeskNotRunning from None
    if is_free(desk.settings.locks / SERVER_LOCK):
        raise DeskNotRunning
    return url


def sign_in_link(desk: Desk, to: str = "/") -> str:
    """Return an address that opens the desk once, signed in. Raises DeskNotRunning."""
    url = address(desk)
    secret = desk.store.access.add(LINK, f"{READ} {WRITE}", lives_seconds=LINK_SECONDS)
    return f"{url}/sign-in?link={secret}&to={to}"


def create_token(
    desk: Desk,
    name: str,
    scopes: tuple[str, ...],
    person: Person | None = None,
    lives_seconds: float | None = None,
) -> NewToken:
    """Make a token for a program; that of a person sees what the person sees."""
    return _created(desk, TOKEN, name, " ".join(scopes), person, lives_seconds)


def create_workstation_token(
    desk: Desk, name: str, person: Person, sees: str, lives_seconds: float | None = None
) -> NewToken:
    """Make a token with which a workstation hands over the calls of a person, and sees these or all."""
    return _created(desk, WORKSTATION, name or f"{person.name}'s workstation", sees, person, lives_seconds)


def _created(
    desk: Desk, kind: str, name: str, scopes: str, person: Person | None, lives_seconds: float | None
) -> NewToken:
    with desk.store.noting(MACHINE, *_note(desk, "token_create", name)) as store:
        secret = store.access.add(
            kind,
            scopes,
            name=name[:LONGEST_NAME],
            lives_seconds=lives_seconds,
            person_id=person.id if person else None,
        )
    found = desk.store.access.find(kind, secret, is_use=False)
    assert found
    return NewToken(found, secret)


def tokens(desk: Desk) -> list[Access]:
    """Return the tokens of programs and workstations, the oldest first."""
    found = [*desk.store.access.every(TOKEN), *desk.store.access.every(WORKSTATION)]
    return sorted(found, key=lambda it: it.id)


def revoke_token(desk: Desk, token_id: int) -> None:
    """End a token at once. Raises NoSuchToken."""
    found = next((token for token in tokens(desk) if token.id == token_id), None)
    if found is None or not _revoked(desk, found):
        raise NoSuchToken(f"There is no token {token_id}. `offhook token list` shows them all.")


def _revoked(desk: Desk, token: Access) -> bool:
    with desk.store.noting(MACHINE, *_note(desk, "token_revoke", token.name or "")) as store:
        return store.access.revoke(token.id)


def _note(desk: Desk, action: str, detail: str) -> list[Note]:
    """Return what is noted in a team's home; others keep no log."""
    return [Note(action, detail=detail)] if desk.store.people.are_there() else []
