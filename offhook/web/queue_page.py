"""The page of the queue."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from offhook.desk.desk import Desk
from offhook.web.pages import Renderer


def queue_page(request: Request, desk: Desk, renderer: Renderer) -> Response:
    """Return the page of the queue."""
    return renderer.page(request, "queue.html", "Calls", {"counts": desk.store.records.counts()})
