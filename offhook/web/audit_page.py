"""The page of the audit log: who read, changed or deleted what; for admins."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated
from urllib.parse import urlencode

from msgspec import Meta, Struct
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from offhook.desk.desk import Desk
from offhook.web.call import BadCall, from_query
from offhook.web.pages import Renderer
from shared.store.database import LARGEST_ID
from shared.times import iso

ROWS = 100
Text = Annotated[str, Meta(max_length=200)]
Number = Annotated[str, Meta(pattern=r"^[0-9]{0,18}$")]


class Asked(Struct):
    """What the form asks for; an empty field narrows nothing. `before` is where the page goes on."""

    person: Text = ""
    action: Text = ""
    record: Number = ""
    since: Annotated[str, Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = ""
    before: Number = ""


def audit_page(request: Request, desk: Desk, renderer: Renderer) -> Response:
    """Return the page of the log, narrowed by what its address asks for. Raises BadCall."""
    asked = from_query(Asked, request.query_params)
    found = desk.store.audit.entries(
        ROWS,
        person=asked.person.strip() or None,
        action=asked.action.strip() or None,
        record_id=int(asked.record) if asked.record else None,
        since=_begin(asked.since),
        before_id=int(asked.before) if asked.before else LARGEST_ID,
    )
    is_all = len(found) < ROWS
    older = "" if is_all else urlencode({**asdict(asked), "before": str(found[-1].id)})
    rows = [(iso(entry.at), entry) for entry in found]
    return renderer.page(request, "audit.html", "Audit log", rows=rows, asked=asked, older=older)


def _begin(day: str) -> float | None:
    try:
        return datetime.combine(date.fromisoformat(day), time.min).timestamp() if day else None
    except (ValueError, OverflowError, OSError):
        raise BadCall(f"{day} is no day.") from None
