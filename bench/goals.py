"""One figure of a bench: its values, its goal, and whether it is reached."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

#: Of a table of figures.
HEAD = ("", "median", "least", "most", "goal", "reached")


@dataclass(frozen=True)
class Figure:
    """Values of one kind, of which the median is to be no more than the goal; all of them if `always`."""

    name: str
    values: Sequence[float]
    goal: float | None = None
    unit: str = "ms"
    always: bool = False

    @property
    def is_reached(self) -> bool:
        """Whether the goal is reached."""
        found = max(self.values) if self.always else statistics.median(self.values)
        return self.goal is None or found <= self.goal

    def row(self) -> list[str]:
        """Return the figure as a row of a table."""
        found = (statistics.median(self.values), min(self.values), max(self.values))
        goal = "" if self.goal is None else f"{'all ' if self.always else ''}≤ {self.goal:,g} {self.unit}"
        reached = "" if self.goal is None else ("yes" if self.is_reached else "**no**")
        return [self.name, *(f"{value:,.4g} {self.unit}" for value in found), goal, reached]
