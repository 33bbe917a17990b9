"""The pages: each is a template, and the data that its script starts with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from offhook.web.assets import Assets
from offhook.web.rules import rule_of
from offhook.web.visitors import Visitor
from shared.inbox_names import SUFFIXES

TEMPLATES = Path(__file__).parent / "templates"
#: The pages that the bar at the top leads to.
PAGES = (("/", "Calls"), ("/recorder", "Recorder"), ("/search", "Search"))
TEAM_PAGES = (("/people", "People"), ("/audit", "Audit log"))
#: `<` in a script's data could end it.
_SAFE = {"<": "\\u003c", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class Renderer:
    """Makes pages of templates."""

    assets: Assets
    environment: Environment

    @classmethod
    def of(cls, assets: Assets) -> Renderer:
        """Return a renderer that escapes everything and knows where the assets are."""
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        environment.globals.update(asset=assets.url, endings=" ".join(sorted(SUFFIXES)))
        return cls(assets, environment)

    def page(self, request: Request, template: str, title: str, data: Any = None, **more: Any) -> Response:
        """Return a page; `data` is embedded as JSON for its script."""
        visitor = request.scope.get("state", {}).get("visitor")
        given: Mapping[str, Any] = {
            "title": title,
            "csrf": visitor.csrf if visitor else None,
            "can_sign_out": request.url.scheme == "https",
            "pages": _pages(visitor),
            "signed_in_as": visitor.person.shown_name if visitor and visitor.person else None,
            "data": script_json(data),
            "path": request.url.path,
            **more,
        }
        return HTMLResponse(self.environment.get_template(template).render(given))


def _pages(visitor: Visitor | None) -> Sequence[tuple[str, str]]:
    """Return the pages that a visitor may open."""
    if visitor is None or not visitor.in_team:
        return PAGES
    return [it for it in (*PAGES, *TEAM_PAGES) if visitor.is_at_least(rule_of("GET", it[0]).role)]


def script_json(data: Any) -> str:
    """Return JSON that can stand inside a script element."""
    text = msgspec.json.encode(data).decode()
    for sign, code in _SAFE.items():
        text = text.replace(sign, code)
    return text
