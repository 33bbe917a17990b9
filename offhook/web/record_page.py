"""The page of one record: its transcript and its player."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from offhook.desk.about_record import about_record
from offhook.desk.desk import Desk
from offhook.desk.reading import outline, window
from offhook.web.call import number_of
from offhook.web.pages import Renderer
from shared.errors import RecordNotFound

#: Segments that come with the page, and those of them that are in its markup, to be read before scripts run.
FIRST_SEGMENTS, WRITTEN_SEGMENTS = 30, 12


def record_page(request: Request, desk: Desk, renderer: Renderer) -> Response:
    """Return the page of a record, or one that says that there is none."""
    seq = desk.store.changes.latest()  # first: a change that is seen twice does no harm
    try:
        record = desk.store.records.get(number_of(request.path_params["record_id"]))
    except RecordNotFound as error:
        page = renderer.page(request, "missing.html", "No such call", why=str(error))
        page.status_code = 404
        return page
    first = window(desk, record.id, 0, FIRST_SEGMENTS)
    data = {
        "seq": seq,
        **about_record(desk, record),
        "outline": outline(desk, record.id),
        "window": first,
    }
    written = [it for it in first.passages if it.segment < WRITTEN_SEGMENTS]
    return renderer.page(request, "record.html", record.title, data, record=record, passages=written)
