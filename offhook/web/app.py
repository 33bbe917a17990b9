"""The desk's application: its pages, what programs call, its files, all behind one gate."""

from __future__ import annotations

from collections.abc import Callable, Collection

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp

from offhook.desk.desk import Desk
from offhook.desk.health import Health
from offhook.web.admission import admitting
from offhook.web.api import ENDPOINTS
from offhook.web.assets import Assets
from offhook.web.audit_page import audit_page
from offhook.web.call import seen_by
from offhook.web.call_page import call_page
from offhook.web.dispatch import guarded, route
from offhook.web.errors import error_body
from offhook.web.gate import HEALTH, Gate
from offhook.web.health import health_answers
from offhook.web.metrics.scraping import PATH as METRICS
from offhook.web.metrics.scraping import Scraping
from offhook.web.metrics.traffic import Traffic
from offhook.web.pages import Renderer
from offhook.web.people_page import PATH as PEOPLE
from offhook.web.people_page import PeopleForms, people_page
from offhook.web.queue_page import queue_page
from offhook.web.record_page import record_page
from offhook.web.recorder_page import recorder_page
from offhook.web.search_page import search_page
from offhook.web.signing_in import Entrance
from offhook.web.tus import unlisted_routes
from offhook.web.visitors import Doorkeeper, is_api
from offhook.web.work import LONG, QUICK, Work

Page = Callable[[Request, Desk, Renderer], Response]
#: Address -> what makes the page, in a thread.
PAGES: dict[str, Page] = {
    "/": queue_page,
    "/records/{record_id}": record_page,
    "/calls/{session_id}": call_page,
    "/recorder": recorder_page,
    "/search": search_page,
    "/audit": audit_page,
    "/people": people_page,
}
#: Pages that may take long: one of the search waits for the index.
LONG_PAGES = ("/search",)


def application(desk: Desk, port: int, origins: Collection[str], work: Work) -> ASGIApp:
    """Return the application; `origins` are the addresses under which it is reached."""
    doorkeeper = Doorkeeper(desk.store, port)
    renderer = Renderer.of(Assets())
    entrance = Entrance(doorkeeper, renderer, work)
    health = Health.of(desk)
    admitted = admitting(routes(desk, entrance, renderer, work), desk, work)
    found = [*admitted, Route(HEALTH, health_answers(health))]
    app = Starlette(routes=found, exception_handlers={HTTPException: _not_here})
    traffic = Traffic(Gate(app, doorkeeper, entrance.stranger, work, origins), found)
    app.add_route(METRICS, guarded(Scraping(desk, doorkeeper, health, traffic).answer))
    return traffic


def routes(desk: Desk, entrance: Entrance, renderer: Renderer, work: Work) -> list[BaseRoute]:
    """Return every address: the way in, the files, the pages, what programs call."""
    return [
        Route("/sign-in", guarded(entrance.by_link), methods=["GET"]),
        Route("/sign-in", guarded(entrance.by_password), methods=["POST"]),
        Route("/static/{version}/{name:path}", renderer.assets.serve),
        *unlisted_routes(desk, work),
        Route(PEOPLE, guarded(PeopleForms(desk, renderer, work).answer), methods=["POST"]),
        *(_page_route(path, page, desk, renderer, work) for path, page in PAGES.items()),
        *(route(endpoint, desk, work) for endpoint in ENDPOINTS),
    ]


def _page_route(path: str, page: Page, desk: Desk, renderer: Renderer, work: Work) -> Route:
    async def answer(request: Request) -> Response:
        kind = LONG if path in LONG_PAGES else QUICK
        return await work.run_as(kind, page, request, seen_by(request, desk), renderer)

    return Route(path, guarded(answer), methods=["GET"])


async def _not_here(request: Request, error: Exception) -> Response:
    """Answer for an address that does not exist, or takes another method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = {"allow": ", ".join(_allowed(request))} if status == 405 else None
    text = "This address takes another method." if status == 405 else "There is nothing at this address."
    if is_api(request.scope):
        return JSONResponse(error_body("no_such_address", text), status, headers)
    return PlainTextResponse(text, status, headers)


def _allowed(request: Request) -> list[str]:
    """Return the methods of an address: several routes may have it, each with one method."""
    fitting = [it for it in request.app.routes if it.matches(request.scope)[0] != Match.NONE]
    return sorted({method for it in fitting if isinstance(it, Route) for method in it.methods or ()})
