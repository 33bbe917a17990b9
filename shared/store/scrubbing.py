"""Takes the words of deleted rows out of the database's files.

`secure_delete` zeroes the cells of deleted rows, and that is not enough. The search index keeps deleted words
until its parts are merged; a page whose rows have moved to another one keeps stale copies of them between its
own; the WAL has all that was ever written until it is cut off. So the index is merged, the file written anew
and the WAL truncated. A note in `controls` says that this is to be done, until it is.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable

from peewee import DatabaseError, SqliteDatabase

from shared.store.models import Control
from shared.store.sqlite import busy_timeout

log = logging.getLogger(__name__)

NOTE = "scrub"
#: While a truncation waits for readers, nobody can write: so it waits briefly, and again.
LOOK_SECONDS = 0.25


def order() -> None:
    """Note that rows have been deleted; belongs into the transaction that deletes them."""
    note = json.dumps({"token": uuid.uuid4().hex, "rewritten": False})
    Control.insert(name=NOTE, value=note).on_conflict_replace().execute()


def ordered() -> str | None:
    """Return the note as it stands; None if there is nothing to scrub."""
    row = Control.get_or_none(Control.name == NOTE)
    return row.value if row else None


def scrub(
    database: SqliteDatabase, note: str, patience_seconds: float, sleep: Callable[[float], None] = time.sleep
) -> str | None:
    """Scrub what `note` asks for; return the note to settle, None if others are in the way for too long.

    What is done is noted, so that another try has only the rest to do.
    """
    try:
        if not json.loads(note)["rewritten"]:
            note = _rewrite(database, note)
        return note if _truncate(database, patience_seconds, sleep) else None
    except DatabaseError as error:  # busy, or the disk has no room for a second copy
        log.warning("the database cannot be scrubbed yet: %s", error)
        return None


def settle(database: SqliteDatabase, note: str) -> None:
    """Drop the note, unless more has been deleted since."""
    with database.atomic():
        Control.delete().where((Control.name == NOTE) & (Control.value == note)).execute()


def _rewrite(database: SqliteDatabase, note: str) -> str:
    database.execute_sql("INSERT INTO segments_search (segments_search) VALUES ('optimize')")
    database.execute_sql("VACUUM")
    rewritten = json.dumps(json.loads(note) | {"rewritten": True})
    with database.atomic():
        Control.update(value=rewritten).where((Control.name == NOTE) & (Control.value == note)).execute()
    return rewritten


def _truncate(database: SqliteDatabase, patience_seconds: float, sleep: Callable[[float], None]) -> bool:
    deadline = time.monotonic() + patience_seconds
    with busy_timeout(database, LOOK_SECONDS):
        while True:
            ((busy, *_),) = database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if not busy or time.monotonic() > deadline:
                return not busy
            sleep(LOOK_SECONDS)
