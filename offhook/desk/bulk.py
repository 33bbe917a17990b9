"""Does one thing with several records: each has its own outcome, and one failure does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from offhook.desk.desk import Desk
from shared.errors import OffhookError, StoreError
from shared.store.values import Record

#: Records that are changed in one transaction, while no other process writes.
AT_ONCE = 100


@dataclass(frozen=True)
class Outcome:
    """What became of one record: how it is now, or why nothing was done."""

    record_id: int
    record: Record | None = None
    error: OffhookError | None = None


def each(desk: Desk, record_ids: Iterable[int], change: Callable[[int], Record]) -> list[Outcome]:
    """Change records, some in one transaction; a record that is named twice is changed once.

    If the process dies, either all or none of those in a transaction are changed. Raises StoreError.
    """
    return by_parts(desk, record_ids, lambda part: [_outcome(it, change, desk) for it in part])


def by_parts(
    desk: Desk, record_ids: Iterable[int], change: Callable[[list[int]], list[Outcome]]
) -> list[Outcome]:
    """Change some records together, each part in one transaction; otherwise as `each`."""
    wanted = list(dict.fromkeys(record_ids))
    outcomes: list[Outcome] = []
    for start in range(0, len(wanted), AT_ONCE):
        with desk.store.transaction():
            outcomes += change(wanted[start : start + AT_ONCE])
    return outcomes


def done(outcomes: Iterable[Outcome]) -> None:
    """Make sure that all was done. Raises the first error."""
    for outcome in outcomes:
        if outcome.error:
            raise outcome.error


def _outcome(record_id: int, change: Callable[[int], Record], desk: Desk) -> Outcome:
    try:
        with desk.store.transaction():
            return Outcome(record_id, change(record_id))
    except StoreError:
        raise
    except OffhookError as error:
        return Outcome(record_id, error=error)
