"""What a search is narrowed to, besides words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SaidBy:
    """Speakers who say the words: of any recording, and of single ones, by the numbers of these."""

    everywhere: frozenset[str] = frozenset()
    in_records: Mapping[int, frozenset[str]] = field(default_factory=dict)

    @property
    def speakers(self) -> frozenset[str]:
        """All of these speakers."""
        return self.everywhere.union(*self.in_records.values())

    def of(self, record_id: int) -> frozenset[str]:
        """Return those of a recording."""
        return self.everywhere | self.in_records.get(record_id, frozenset())


@dataclass(frozen=True)
class Narrowing:
    """The recordings to search in, and who speaks.

    Recordings are those that were added from `since` on and before `until`, in seconds since 1970, and those
    of one person with an account, `owner_id`.
    """

    candidate_id: str | None = None
    project_id: str | None = None
    since: float | None = None
    until: float | None = None
    said: SaidBy | None = None
    owner_id: int | None = None

    def of_records(self) -> list[tuple[str, Any]]:
        """Return what a record `r` must meet: the left side of each condition, and its value."""
        given = (
            ("r.candidate_id =", self.candidate_id),
            ("r.project_id =", self.project_id),
            ("r.owner_id =", self.owner_id),
            ("r.created_at >=", self.since),
            ("r.created_at <", self.until),
        )
        return [(condition, value) for condition, value in given if value is not None]


EVERYTHING = Narrowing()
