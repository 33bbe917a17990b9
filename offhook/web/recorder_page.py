"""The page of the recorder."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from offhook.desk.desk import Desk
from offhook.desk.known_values import known_values
from offhook.desk.recorder_view import choices, first_view
from offhook.web.pages import Renderer


def recorder_page(request: Request, desk: Desk, renderer: Renderer) -> Response:
    """Return the page of the recorder, as the database has it; its stream brings the rest."""
    data = {"view": first_view(desk), "chosen": choices(desk)}
    return renderer.page(
        request, "recorder.html", "Recorder", data, known=known_values(desk), live=desk.settings.live
    )
