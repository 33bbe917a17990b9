"""Manages the people of a team's server. Each change is noted in the audit log, in its transaction."""

from __future__ import annotations

import re

from offhook.desk import person_password
from offhook.desk.desk import Desk
from shared.errors import OffhookError, StateConflict
from shared.store.audit import Note
from shared.store.people import ADMIN, Person
from shared.store.view import View

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
LONGEST_SHOWN_NAME = 200


class BadName(OffhookError):
    """The name of a person has 1 to 64 letters a to z, digits and the signs . _ @ -."""

    code = "bad_name"


def add(
    desk: Desk, view: View, name: str, role: str, shown_name: str = "", password: str | None = None
) -> Person:
    """Add a person; without a password the person can only use tokens.

    Raises BadName, PersonExists, UnfitPassword, AccountsUnavailable.
    """
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        raise BadName
    digest = None if password is None else person_password.hashed(name, password)
    with desk.store.noting(view, Note("person_add", detail=f"{name} ({role})")) as store:
        shown = shown_name.strip()[:LONGEST_SHOWN_NAME] or name
        return store.people.add(name, role, shown_name=shown, password=digest)


def set_password(desk: Desk, view: View, name: str, password: str) -> Person:
    """Give a person another password. Raises PersonNotFound, UnfitPassword, AccountsUnavailable."""
    person = desk.store.people.get(name)
    digest = person_password.hashed(person.name, password)
    with desk.store.noting(view, Note("person_password", detail=person.name)) as store:
        store.people.set_password(person.id, digest)
    return person


def set_role(desk: Desk, view: View, name: str, role: str) -> Person:
    """Give a person another role. Raises PersonNotFound, StateConflict."""
    person = _other(desk, view, name)
    with desk.store.noting(view, Note("person_role", detail=f"{person.name} ({role})")) as store:
        store.people.set_role(person.id, role)
    return person


def disable(desk: Desk, view: View, name: str) -> Person:
    """Let a person do nothing any more. Raises PersonNotFound, StateConflict."""
    person = _other(desk, view, name)
    with desk.store.noting(view, Note("person_disable", detail=person.name)) as store:
        store.people.disable(person.id)
    return person


def enable(desk: Desk, view: View, name: str) -> Person:
    """Let a person sign in again. Raises PersonNotFound."""
    person = desk.store.people.get(name)
    with desk.store.noting(view, Note("person_enable", detail=person.name)) as store:
        store.people.enable(person.id)
    return person


def remove(desk: Desk, view: View, name: str) -> Person:
    """Remove a person; the calls stay. Raises PersonNotFound, StateConflict."""
    person = _other(desk, view, name)
    with desk.store.noting(view, Note("person_remove", detail=person.name)) as store:
        store.people.remove(person.id)
    return person


def has_admin(desk: Desk) -> bool:
    """Whether somebody may manage people from the desk."""
    return any(it.role == ADMIN and it.disabled_at is None for it in desk.store.people.every())


def _other(desk: Desk, view: View, name: str) -> Person:
    """Return a person who is not the one who asks: nobody locks themselves out."""
    person = desk.store.people.get(name)
    if person.id == view.person_id:
        raise StateConflict("That would be a change of your own account. Let another admin make it.")
    return person
