"""Gives a record what was decoded of its call while it was recorded, inside the store's transaction."""

from __future__ import annotations

from typing import Any

from peewee import Value

from shared.errors import ClaimLost
from shared.store.claims import Claim, is_mine
from shared.store.database import Database, Row
from shared.store.live_values import LiveCall
from shared.store.segment_rows import number_or_none
from shared.store.tables import DecodedWindowRow, LiveWindowRow, RecordRow
from shared.store.values import columns_of
from shared.words import segments_from_json

_TIMES = ("start_seconds", "end_seconds", "stretch_seconds")
_MOVED = (*_TIMES, "segments", "channel")


def move(database: Database, claim: Claim, call: LiveCall) -> int:
    """Move the windows of a live call to its record, with language and flags, and return their number.

    Nothing is moved if the record has decoded windows, or if a window is damaged. Raises ClaimLost.
    """
    mine = LiveWindowRow.session_id == call.session_id
    rows = database.all(LiveWindowRow.select().where(mine))
    if _has_windows(database, claim.record.id) or not rows or not all(map(_is_sound, rows)):
        confirm(database, claim)
        return 0
    flags = tuple(dict.fromkeys((*claim.record.flags, *call.flags)))
    confirm(
        database,
        claim,
        **{"language": call.language, "language_probability": call.language_probability, "flags": flags},
    )
    columns = [getattr(LiveWindowRow, name) for name in _MOVED]
    found = LiveWindowRow.select(Value(claim.record.id), *columns).where(mine).order_by(LiveWindowRow.id)
    fields = [DecodedWindowRow.record, *(getattr(DecodedWindowRow, name) for name in _MOVED)]
    database.run(DecodedWindowRow.insert_from(found, fields))
    return len(rows)


def confirm(database: Database, claim: Claim, **columns: Any) -> None:
    """Update columns of a record, or none, under a claim of it. Raises ClaimLost."""
    query = RecordRow.update(claim_token=claim.token, **columns_of(columns)).where(is_mine(claim))
    if not database.run(query):
        raise ClaimLost


def _has_windows(database: Database, record_id: int) -> bool:
    decoded = DecodedWindowRow.select(DecodedWindowRow.id).where(DecodedWindowRow.record == record_id)
    return database.first(decoded.limit(1)) is not None


def _is_sound(row: Row) -> bool:
    """Whether a window can be read as it was written."""
    is_placed = all(number_or_none(row, name) is not None for name in _TIMES)
    if not is_placed or not isinstance(row["channel"], int | None):
        return False
    try:
        segments_from_json(row["segments"])
    except ValueError:
        return False
    return True
