"""The people with an account on a team's server, and their roles."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.errors import OffhookError
from shared.store.access import LINK, PASSWORD, SESSION
from shared.store.database import Database
from shared.store.tables import AccessRow, PersonRow
from shared.store.values import sound

#: A member sees the own calls, a lead all of them; an admin also manages people, hooks and machines.
MEMBER, LEAD, ADMIN = "member", "lead", "admin"
ROLES = (MEMBER, LEAD, ADMIN)


class PersonNotFound(OffhookError):
    """There is no such person. `offhook person list` shows them all."""

    code = "person_not_found"


class PersonExists(OffhookError):
    """There is a person with this name."""

    code = "person_exists"


@dataclass(frozen=True)
class Person:
    """A person with an account. `name` is in lower case; a disabled person cannot do anything."""

    id: int
    name: str
    shown_name: str
    role: str
    created_at: float
    password: str | None = None
    disabled_at: float | None = None

    @property
    def owner_id(self) -> int | None:
        """The owner of all records that the person sees; None: everybody's are seen."""
        return None if self.role in (LEAD, ADMIN) else self.id

    def is_at_least(self, role: str) -> bool:
        """Whether the person may do what a role may."""
        return self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role)


class People:
    """The people of one database. Whatever changes what a person may do ends the sessions of that person."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def are_there(self) -> bool:
        """Whether there is any person, also a disabled one: then the desk asks for names."""
        return self._database.first(PersonRow.select(PersonRow.id).limit(1)) is not None

    def every(self) -> list[Person]:
        """Return all people by their names."""
        return list(sound(Person, self._database.all(PersonRow.select().order_by(PersonRow.name))))

    def find(self, person_id: int) -> Person | None:
        """Return a person, None if there is none with this number."""
        return self._first(PersonRow.id == person_id)

    def named(self, name: str) -> Person | None:
        """Return the person with a name, None if there is none."""
        return self._first(PersonRow.name == name.lower())

    def get(self, name: str) -> Person:
        """Return the person with a name. Raises PersonNotFound."""
        found = self.named(name)
        if found is None:
            raise PersonNotFound(f"There is no person {name!a}. `offhook person list` shows them all.")
        return found

    def add(self, name: str, role: str, *, shown_name: str = "", password: str | None = None) -> Person:
        """Add a person; `password` is a hash. Raises PersonExists.

        With the first one, the home is a team's: sessions, links and the password without a name end.
        """
        row = {"name": name.lower(), "shown_name": shown_name or name, "role": role, "password": password}
        with self._database.transaction():
            if self.named(name):
                raise PersonExists(f"There is a person {name.lower()} already.")
            if not self.are_there():
                nameless = AccessRow.kind.in_((SESSION, LINK, PASSWORD))
                self._database.run(AccessRow.delete().where(nameless))
            query = PersonRow.insert(**row, created_at=self._clock()).returning(PersonRow)
            (found,) = sound(Person, [self._database.first(query) or {}])
            return found

    def set_role(self, person_id: int, role: str) -> None:
        """Give a person another role."""
        self._change(person_id, role=role)

    def set_password(self, person_id: int, password: str | None) -> None:
        """Replace the hash of a person's password; None: the person cannot sign in with one."""
        self._change(person_id, password=password)

    def renew_hash(self, person_id: int, old: str, new: str) -> None:
        """Replace a hash by another one of the same password; who is signed in stays so."""
        mine = (PersonRow.id == person_id) & (PersonRow.password == old)
        self._database.run(PersonRow.update(password=new).where(mine))

    def disable(self, person_id: int) -> None:
        """Let a person do nothing any more: sessions end, tokens open nothing until `enable`."""
        self._change(person_id, disabled_at=self._clock())

    def enable(self, person_id: int) -> None:
        """Let a person sign in again."""
        self._change(person_id, disabled_at=None)

    def remove(self, person_id: int) -> None:
        """Remove a person with all sessions and tokens. The calls stay, for leads and admins to see."""
        with self._database.transaction():
            self._database.run(AccessRow.delete().where(AccessRow.person_id == person_id))
            self._database.run(PersonRow.delete().where(PersonRow.id == person_id))

    def _change(self, person_id: int, **columns: Any) -> None:
        """Change a person; whoever is signed in with this name has to sign in again."""
        over = (AccessRow.person_id == person_id) & AccessRow.kind.in_((SESSION, LINK))
        with self._database.transaction():
            self._database.run(PersonRow.update(**columns).where(PersonRow.id == person_id))
            self._database.run(AccessRow.delete().where(over))

    def _first(self, where: Any) -> Person | None:
        row = self._database.first(PersonRow.select().where(where))
        found = sound(Person, [row]) if row else ()
        return found[0] if found else None
