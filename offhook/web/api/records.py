"""Records: lists of them, one of them, and what a person does with one or several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec

from offhook.desk import queueing, removing
from offhook.desk.about_record import details
from offhook.desk.bulk import Outcome
from offhook.desk.describing import describe
from offhook.desk.listing import listed, order, row_of, rows_of
from offhook.desk.record_choices import options_of
from offhook.web.api.rows import Details, Row, RowOrder, RowPage, SomeRows, Status
from offhook.web.call import Call, Endpoint
from offhook.web.errors import error_body
from shared.store.listing import Wanted

#: Rows of a page, and records that are changed by one call.
MOST_ROWS, MOST_CHANGED = 500, 20_000

Text = Annotated[str, msgspec.Meta(max_length=1000)]
Ids = Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]], msgspec.Meta(max_length=MOST_CHANGED)]


class Filter(msgspec.Struct, kw_only=True):
    """Which records are wanted, and in which order: `-` before a name reverses it."""

    status: Status | None = None
    q: Text = ""
    sort: Text = "-created_at"

    @property
    def wanted(self) -> Wanted:
        """The filter as the store knows it."""
        return Wanted(self.status, self.q)


class PageOf(Filter, kw_only=True):
    """A page of the wanted records."""

    offset: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROWS)] = 100


class OrderOf(Filter, kw_only=True):
    """The numbers of the wanted records; `first` of them with their rows."""

    first: Annotated[int, msgspec.Meta(ge=0, le=MOST_ROWS)] = 0


class RowsOf(msgspec.Struct):
    """Records by their numbers, separated by commas."""

    ids: Annotated[str, msgspec.Meta(pattern=rf"^[0-9]{{1,18}}(,[0-9]{{1,18}}){{0,{MOST_ROWS - 1}}}$")]


class Several(msgspec.Struct):
    """Some records by their numbers."""

    ids: Ids


class Retry(Several):
    """Records to be transcribed again, with settings for them alone."""

    options: dict[str, Any] = msgspec.field(default_factory=dict)


class Move(Several):
    """Records to be transcribed sooner or later."""

    where: Literal["up", "down", "first"]


class Description(msgspec.Struct, omit_defaults=True):
    """What is to be changed of a description; null takes a candidate or project away."""

    title: str | msgspec.UnsetType = msgspec.UNSET
    candidate_id: str | msgspec.UnsetType | None = msgspec.UNSET
    project_id: str | msgspec.UnsetType | None = msgspec.UNSET


class Result(msgspec.Struct):
    """What became of one record: its state, or why nothing was done."""

    id: int
    status: str | None = None
    error: dict[str, Any] | None = None


class Results(msgspec.Struct):
    """What became of each of the records."""

    results: list[Result]


def get_page(call: Call) -> Any:
    """Answer with a page of rows."""
    query: PageOf = call.query
    return listed(call.desk, query.wanted, sort=query.sort, offset=query.offset, limit=query.limit)


def get_order(call: Call) -> Any:
    """Answer with the numbers of all wanted records, in their order."""
    query: OrderOf = call.query
    return order(call.desk, query.wanted, query.sort, query.first)


def get_rows(call: Call) -> Any:
    """Answer with the rows of some records, in no order; those that are gone are left out."""
    seq = call.desk.store.changes.latest()
    found = rows_of(call.desk, [int(it) for it in call.query.ids.split(",")])
    return {"records": list(found.values()), "seq": seq}


def get_one(call: Call) -> dict[str, Any]:
    """Answer with a row and what is said of the record beside its words. Raises RecordNotFound."""
    return details(call.desk, call.record_id)


def change_description(call: Call) -> dict[str, Any]:
    """Change title, candidate or project."""
    given = {
        name: text
        for name in call.body.__struct_fields__
        if (text := getattr(call.body, name)) is not msgspec.UNSET
    }
    describe(call.desk, call.record_id, **given)
    return row_of(call.desk, call.record_id)


def retry(call: Call) -> Results:
    """Queue records again."""
    return _results(queueing.retry(call.desk, call.body.ids, options_of(call.body.options, "the request")))


def cancel(call: Call) -> Results:
    """Take records out of the queue."""
    return _results(queueing.cancel(call.desk, call.body.ids))


def move(call: Call) -> Results:
    """Change the order of the queue."""
    return _results(queueing.move(call.desk, call.body.ids, call.body.where))


def delete(call: Call) -> Results:
    """Delete records in half a minute."""
    return _results(removing.delete(call.desk, call.body.ids))


def undelete(call: Call) -> Results:
    """Do not delete records after all."""
    return _results(removing.undo(call.desk, call.body.ids))


def _results(outcomes: Iterable[Outcome]) -> Results:
    return Results([_result(outcome) for outcome in outcomes])


def _result(outcome: Outcome) -> Result:
    if outcome.error:
        error = error_body(outcome.error.code, str(outcome.error))["error"]
        return Result(outcome.record_id, error=error)
    return Result(outcome.record_id, outcome.record.transcription_status if outcome.record else None)


_ALL, _ONE = "/api/v1/records", "/api/v1/records/{record_id}"
ENDPOINTS = (
    Endpoint("GET", _ALL, get_page, "A page of recordings", query=PageOf, answer=RowPage),
    Endpoint(
        "GET",
        f"{_ALL}/order",
        get_order,
        "The numbers of all recordings",
        query=OrderOf,
        answer=RowOrder,
    ),
    Endpoint("GET", f"{_ALL}/rows", get_rows, "Some recordings", query=RowsOf, answer=SomeRows),
    Endpoint("POST", f"{_ALL}/retry", retry, "Transcribe recordings again", body=Retry, answer=Results),
    Endpoint(
        "POST", f"{_ALL}/cancel", cancel, "Take recordings out of the queue", body=Several, answer=Results
    ),
    Endpoint(
        "POST", f"{_ALL}/move", move, "Transcribe recordings sooner or later", body=Move, answer=Results
    ),
    Endpoint(
        "POST", f"{_ALL}/delete", delete, "Delete recordings in 30 seconds", body=Several, answer=Results
    ),
    Endpoint("POST", f"{_ALL}/undelete", undelete, "Undo a deletion", body=Several, answer=Results),
    Endpoint("GET", _ONE, get_one, "A recording", answer=Details),
    Endpoint("PATCH", _ONE, change_description, "Describe a recording", body=Description, answer=Row),
)
