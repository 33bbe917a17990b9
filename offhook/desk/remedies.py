"""Tells from SQLite's message what the state of the database is, and what to do about it."""

from __future__ import annotations

from peewee import DatabaseError

from shared.store.sqlite import first_cause

#: Part of SQLite's message -> what the database's state is, and the remedy. None of these damages it.
REMEDIES = {
    "locked": "is in use by another program; try again in a moment.",
    "full": "cannot be written: the disk is full. Make room and try again.",
    "disk I/O error": "cannot be read or written: is the disk full? Make room and try again.",
    "readonly": "cannot be written: make the file and its folder writable, and try again.",
    "unable to open": "cannot be opened: make the file and its folder readable and writable, and try again.",
}


def known(error: DatabaseError) -> str | None:
    """Return the state and the remedy where the database itself is sound."""
    reason = str(first_cause(error))
    return next((remedy for part, remedy in REMEDIES.items() if part in reason), None)


def remedy(error: DatabaseError) -> str:
    """Return the state of the database and a remedy."""
    return known(error) or f"cannot be used: {first_cause(error)}. `offhook doctor` looks closer."
