"""Statements that are run all the time. To write one takes peewee longer than it takes a database to run it.

A statement is built once, with `given(name)` wherever a value comes later, and its text is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import peewee


@dataclass(frozen=True)
class _Given:
    """The place of a value that comes with each run."""

    name: str


def given(name: str) -> Any:
    """Return what stands in a statement for a value that is given by this name each time it is run."""
    return peewee.Value(_Given(name), converter=False)


class Statement:
    """A query of peewee over one table, whose values are given each time. They are passed on as they are."""

    def __init__(self, query: Any) -> None:
        self._query = query
        self._written: dict[tuple[type[peewee.Database], str], tuple[str, tuple[Any, ...]]] = {}
        self._returned: tuple[peewee.Field, ...] | None = None

    def written(
        self, database: peewee.Database, values: dict[str, Any], condition: str = ""
    ) -> tuple[str, list[Any]]:
        """Return the text for a kind of database, and the values in their order there.

        `condition` is one more, as SQL.
        """
        if (found := self._written.get((type(database), condition))) is None:
            query = self._query.where(peewee.SQL(condition)) if condition else self._query
            text, places = database.get_sql_context().sql(query).query()
            found = self._written[type(database), condition] = text, tuple(places)
        text, places = found
        return text, [values[place.name] if isinstance(place, _Given) else place for place in places]

    def first_row(self, cursor: Any) -> dict[str, Any] | None:
        """Return the first row that a run has returned, by the names of fields; None if there is none."""
        if self._returned is None:  # psycopg makes 40 descriptions each time that it is asked for them
            columns = self._query.model._meta.columns
            self._returned = tuple(columns[described[0]] for described in cursor.description or ())
        rows = cursor.fetchall() if self._returned else []
        if not rows:
            return None
        return {field.name: field.python_value(it) for field, it in zip(self._returned, rows[0], strict=True)}
