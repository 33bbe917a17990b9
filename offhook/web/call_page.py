"""The page of a call that is being recorded: its text as it comes, and a player of what is there already."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from offhook.desk.desk import Desk
from offhook.desk.running_call import latest, running_call
from offhook.web.pages import Renderer
from shared.capture_errors import UnknownSession


def call_page(request: Request, desk: Desk, renderer: Renderer) -> Response:
    """Return the page of a running call; lead to the record whose text its text is by now."""
    session_id = request.path_params["session_id"]
    try:
        call = running_call(desk, session_id)
    except UnknownSession:
        why = "There is no such recording. It may have been discarded."
        page = renderer.page(request, "missing.html", "No such call", why=why)
        page.status_code = 404
        return page
    if call["has_moved"]:
        return RedirectResponse(f"/records/{call['record_id']}", 303)
    data = {"call": call, "text": asdict(latest(desk, session_id))}
    return renderer.page(request, "call.html", call["title"], data, call=call)
