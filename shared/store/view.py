"""As whom a store is used: whose records are seen, whose new ones are, and who is noted in the audit log."""

from __future__ import annotations

from dataclasses import dataclass

from peewee import Expression

from shared.store.tables import RecordRow


@dataclass(frozen=True)
class View:
    """A person's view of a store.

    Only records of `owner_id` are seen, if it is given; otherwise all are. Records that are added belong to
    `person_id`. `person` and `address` are what the audit log has of who does it.
    """

    owner_id: int | None = None
    person_id: int | None = None
    person: str = ""
    address: str = ""


#: A home with one person, and all processes that work for everybody.
EVERYBODY = View()
#: Whoever works on the server itself, as the audit log calls it; no person can have this name.
MACHINE = View(person="(this machine)")


def seen(view: View, where: Expression) -> Expression:
    """Return a condition on records that is also false for those that are not seen."""
    return where if view.owner_id is None else where & (RecordRow.owner_id == view.owner_id)
