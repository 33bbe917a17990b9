"""The page of the queue."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response

from offhook.desk.desk import Desk
from offhook.desk.desk_state import Backlog, desk_state
from offhook.desk.listing import order
from offhook.desk.record_choices import offered
from offhook.web.api.records import Filter
from offhook.web.call import from_query
from offhook.web.pages import Renderer

#: Rows of the first screen, so that it needs no second request.
FIRST_ROWS = 60


def queue_page(request: Request, desk: Desk, renderer: Renderer) -> Response:
    """Return the page of the queue, with the filter that its address names. Raises BadCall, UnknownSort."""
    wanted = from_query(Filter, request.query_params)
    data = {
        **asdict(order(desk, wanted.wanted, wanted.sort, FIRST_ROWS)),
        "filter": {"status": wanted.status, "q": wanted.q, "sort": wanted.sort},
        "desk": desk_state(desk, Backlog.of(desk)),
        "options": offered(desk.settings),
    }
    joined = desk.store.outbox.joined()
    more = {"inbox": str(desk.settings.inbox), "server": joined.name if joined else None}
    return renderer.page(request, "queue.html", "Calls", data, **more)
