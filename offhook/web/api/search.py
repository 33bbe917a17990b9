"""The moments at which words were said, in all records."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

from msgspec import Meta, Struct

from offhook.desk.searching import Places, Wanted, look
from offhook.web.api.limits import Name, RowNumber
from offhook.web.call import Call, Endpoint
from offhook.web.work import LONG

Words = Annotated[str, Meta(max_length=1000)]


class Search(Struct):
    """Words that are all said, `word*` for the beginning of one; days are local ones, both included."""

    q: Words
    speaker: Name | None = None
    candidate: Words | None = None
    project: Words | None = None
    since: date | None = None
    until: date | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: RowNumber | None = None

    @property
    def wanted(self) -> Wanted:
        """What is looked for besides words."""
        said = (self.speaker or None, self.candidate or None, self.project or None)
        return Wanted(*said, _begin(self.since), _begin(self.until))


def search(call: Call) -> Places:
    """Find moments."""
    asked: Search = call.query
    return look(call.desk, asked.q, asked.limit, asked.wanted, asked.cursor)


def _begin(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min)


ENDPOINTS = (
    Endpoint(
        *("GET", "/api/v1/search", search, "Find moments by words"),
        query=Search,
        answer=Places,
        kind=LONG,
    ),
)
