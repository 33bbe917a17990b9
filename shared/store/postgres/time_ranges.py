"""The numbers that segments of recordings of some time can have, so that a search begins where they are.

Segments are numbered as transcripts are completed. A recording's segments come after it was added, and at
about the time at which it was completed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.store.narrowing import Narrowing
from shared.store.transitions import COMPLETED

Read = Callable[[str, tuple[Any, ...]], list[Any]]

#: A commit may be this much later than its moment, and a clock may have been set by so much.
MARGIN_SECONDS = 2 * 3600.0

_BEFORE = """
    SELECT ends.last FROM call_records r
    JOIN LATERAL (SELECT max(s.id) AS last FROM segments s WHERE s.record_id = r.id) ends ON ends.last > 0
    WHERE r.transcription_status = %s AND r.completed_at <= %s ORDER BY r.completed_at DESC LIMIT 1"""
_AFTER = """
    SELECT ends.first FROM call_records r
    JOIN LATERAL (SELECT min(s.id) AS first FROM segments s WHERE s.record_id = r.id) ends ON ends.first > 0
    WHERE r.transcription_status = %s AND r.completed_at > %s ORDER BY r.completed_at LIMIT 1"""
_LAST_COMPLETED = "SELECT max(completed_at) FROM call_records WHERE created_at >= %s AND created_at < %s"
#: One that is queued again has a transcript of an unknown time.
_UNKNOWN = """
    SELECT 1 FROM call_records r WHERE r.completed_at IS NULL AND r.created_at < %s
        AND EXISTS (SELECT 1 FROM segments s WHERE s.record_id = r.id) LIMIT 1"""


def bounds(read: Read, narrowing: Narrowing, end: int) -> tuple[int, int]:
    """Return the numbers between which all segments of a narrowing's recordings are, at most `end`."""
    first = 0
    if narrowing.since is not None:
        found = read(_BEFORE, (COMPLETED, narrowing.since - MARGIN_SECONDS))
        first = found[0][0] + 1 if found else 0
    if narrowing.until is not None and not read(_UNKNOWN, (narrowing.until,)):
        ((last,),) = read(_LAST_COMPLETED, (narrowing.since or 0.0, narrowing.until))
        found = read(_AFTER, (COMPLETED, last + MARGIN_SECONDS)) if last is not None else []
        end = min(end, found[0][0]) if found else end
    return first, end
