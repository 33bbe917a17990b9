"""What a list asks a database for, and what answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any, Protocol

from peewee import SQL

from shared.store.list_order import Order, Stretch
from shared.store.tables import DeletionRow, ErasureRow


@dataclass(frozen=True)
class Asked:
    """The records that a person wants to see: in a state, of a person, with some words.

    Each word is given in the cases in which people write it. `deleted` has those that a person has deleted,
    None if there are many.
    """

    status: str | None
    words: Sequence[Sequence[str]]
    owner_id: int | None
    deleted: Sequence[int] | None


class Listed(Protocol):
    """The records that were asked for."""

    def count(self) -> int:
        """Return their number."""

    def counts(self) -> dict[str, int]:
        """Return the number of those in each state."""

    def ids(self, order: Order, stretch: Stretch | None = None) -> list[int]:
        """Return their numbers in an order: all, or those of a stretch, which may come backwards."""


DELETED: Sequence[Any] = (DeletionRow.select(DeletionRow.record), ErasureRow.select(ErasureRow.record_id))


def not_deleted(number: Any, asked: Asked) -> Any:  # an Expression, or SQL, which peewee takes for one
    """Return a condition on the column with a record's number.

    A million records are counted faster against a few numbers than against their tables.
    """
    if asked.deleted is None:
        return reduce(and_, (number.not_in(query) for query in DELETED))
    return number.not_in(asked.deleted) if asked.deleted else SQL("TRUE")
