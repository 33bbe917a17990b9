"""Signs people in by name and password, slowly for those who guess, at once on all servers of a team."""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Network, ip_address

from offhook.desk import person_password
from offhook.desk.password import TooManyGuesses
from shared.store.access import READ, SESSION, WRITE
from shared.store.audit import Note
from shared.store.people import Person
from shared.store.sign_ins import Limit
from shared.store.store import Store
from shared.store.view import View


@dataclass(frozen=True)
class Attempt:
    """A name and a password, and the address they come from."""

    name: str
    password: str
    address: str


def sign_in(store: Store, attempt: Attempt, lives_seconds: float) -> str | None:
    """Return the secret of a new session, None if name or password are wrong. Raises TooManyGuesses.

    An unknown name, a wrong password and a person without one take the same time.
    """
    limits = _limits(attempt)
    if wait := store.sign_ins.charge(limits):
        raise TooManyGuesses(f"Too many wrong passwords. Wait {math.ceil(wait):,} s.")
    person = store.people.named(attempt.name)
    is_right = person_password.is_right(attempt.password, person.password if person else None)
    if not is_right or person is None or person.disabled_at is not None:
        known = person.name if person else ""  # an unknown name may be a password in the wrong field
        view = View(person_id=person.id if person else None, person=known, address=attempt.address)
        store.audit.note(view, [Note("sign_in_failed")])
        return None
    return _signed_in(store, person, attempt, limits, lives_seconds)


def _signed_in(
    store: Store, person: Person, attempt: Attempt, limits: tuple[Limit, ...], lives_seconds: float
) -> str:
    again = person_password.hashed_again(attempt.password, person.password or "")
    view = View(person_id=person.id, person=person.name, address=attempt.address)
    with store.noting(view, Note("sign_in")) as seen, seen.transaction():
        seen.sign_ins.forgive(limits, forget=limits[:1])
        if again:
            seen.people.renew_hash(person.id, person.password or "", again)
        return seen.access.add(SESSION, f"{READ} {WRITE}", lives_seconds=lives_seconds, person_id=person.id)


def _limits(attempt: Attempt) -> tuple[Limit, ...]:
    """Return what slows guesses: a name from one address most, so that its owner elsewhere hardly waits.

    A name is kept as a hash: it may be a password that was typed into the wrong field.
    """
    name = sha256(attempt.name.strip().lower().encode(errors="replace")).hexdigest()[:32]
    place = _place(attempt.address)
    return (
        Limit(f"{name} at {place}", free=5, most_seconds=900.0),
        Limit(name, free=20, most_seconds=15.0),
        Limit(f"at {place}", free=30, most_seconds=60.0),
    )


def _place(address: str) -> str:
    """Return what addresses of one place have in common: a site has at least 2^64 addresses of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    plain = getattr(found, "ipv4_mapped", None) or found
    return str(plain if plain.version == 4 else IPv6Network((int(plain), 64), strict=False))
