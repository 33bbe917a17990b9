"""The store's errors for what the driver raises, by the codes of PostgreSQL (appendix A of its manual)."""

from __future__ import annotations

import psycopg

from shared.errors import (
    StoreAway,
    StoreBusy,
    StoreConflict,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)

#: Beginning of PostgreSQL's code -> the error it becomes; the longest one that fits counts.
ERRORS: dict[str, tuple[type[StoreError], str]] = {
    "08": (StoreAway, "cannot be reached"),
    "22": (StoreConflict, "refuses a value"),
    "23": (StoreConflict, "refuses a row"),
    "25006": (StoreReadOnly, "cannot be written: it is a standby, or set to be read only"),
    "25P03": (StoreAway, "has ended a transaction that was idle for too long"),
    "28": (StoreUnavailable, "refuses the user: look at the name and the password in `database`"),
    "3D": (StoreUnavailable, "is not there: create it with `createdb`"),
    "40": (StoreBusy, "is in use by another program; try again in a moment"),
    "42501": (StoreReadOnly, "cannot be written: make its user the owner of its tables"),
    "42703": (StoreDamaged, "is not as offhook made it"),
    "42P01": (StoreDamaged, "is not as offhook made it"),
    "53": (StoreUnavailable, "has too few resources"),
    "53100": (StoreFull, "cannot be written: the server's disk is full. Make room and try again"),
    "53300": (StoreBusy, "has too many connections; raise `max_connections` of the server"),
    "55P03": (StoreBusy, "is in use by another program; try again in a moment"),
    "57014": (StoreBusy, "took too long; try again in a moment"),
    "57P": (StoreAway, "is being stopped or started"),
    "58030": (StoreFull, "cannot be read or written: is the server's disk full? Make room and try again"),
    "XX001": (StoreDamaged, "is damaged: bring back a backup"),
    "XX002": (StoreDamaged, "is damaged: `reindexdb` builds its indexes again"),
}
#: libpq gives no code where a connection fails; texts in its message (English whatever the language) say why.
REFUSALS: tuple[tuple[str, str], ...] = (
    ("authentication failed", "28"),
    ("no password supplied", "28"),
    ("no pg_hba.conf entry", "28"),
    ('role "', "28"),
    ("too many clients", "53300"),
    ("remaining connection slots", "53300"),
    ('database "', "3D"),
)


#: What the server has to have besides itself, by words of its message.
_NEEDS_TRIGRAMS = ('extension "pg_trgm"', '"gin_trgm_ops"')
_GIVE_TRIGRAMS = (
    "Install PostgreSQL's own extensions on the server (Debian has them in `postgresql`, others in "
    "`postgresql-contrib`), and make offhook's user the owner of the database, or let an administrator run "
    "`CREATE EXTENSION pg_trgm SCHEMA public` in it."
)


def translated(error: BaseException, name: str) -> StoreError:
    """Return the store's error; `name` is the database as it may be shown."""
    first = _of_driver(error)
    reason = _reason(first)
    if any(text in reason for text in _NEEDS_TRIGRAMS):
        return StoreUnavailable(f"{name} needs the extension pg_trgm ({reason}). {_GIVE_TRIGRAMS}")
    code = getattr(first, "sqlstate", None) or _code_of_refusal(first, reason)
    for length in range(5, 1, -1):
        if found := ERRORS.get(code[:length]):
            kind, what = found
            return kind(f"{name} {what} ({reason}).")
    return StoreUnavailable(f"{name} cannot be used: {reason}.")


def _of_driver(error: BaseException) -> BaseException:
    """Return the driver's error, which peewee has put into one of its own, or into two."""
    inner = getattr(error, "orig", None)
    return _of_driver(inner) if isinstance(inner, BaseException) else error


def _code_of_refusal(error: BaseException, reason: str) -> str:
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return ""
    return next((code for text, code in REFUSALS if "FATAL" in reason and text in reason), "08")


def _reason(error: BaseException) -> str:
    """Return the server's or the driver's own words, in one line; they never have the password."""
    diagnosis = getattr(error, "diag", None)
    said = (diagnosis.message_primary if diagnosis else None) or str(error) or type(error).__name__
    return " ".join(said.split()).rstrip(".")
