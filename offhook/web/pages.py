"""The pages: each is a template, and the data that its script starts with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from offhook.web.assets import Assets
from offhook.web.visitors import Doorkeeper
from offhook.web.work import Work

TEMPLATES = Path(__file__).parent / "templates"
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
        environment.globals.update(asset=assets.url, modules=assets.modules)
        return cls(assets, environment)

    def page(self, request: Request, template: str, title: str, data: Any = None, **more: Any) -> Response:
        """Return a page; `data` is embedded as JSON for its script."""
        visitor = getattr(request.state, "visitor", None)
        given: Mapping[str, Any] = {
            "title": title,
            "csrf": visitor.csrf if visitor else None,
            "data": script_json(data),
            "path": request.url.path,
            **more,
        }
        return HTMLResponse(self.environment.get_template(template).render(given))


def script_json(data: Any) -> str:
    """Return JSON that can stand inside a script element."""
    text = msgspec.json.encode(data).decode()
    for sign, code in _SAFE.items():
        text = text.replace(sign, code)
    return text


def stranger_page(_: Request) -> Response:
    """Return the page for somebody whom nobody knows."""
    return HTMLResponse(STRANGER, 401)


async def sign_in(request: Request, doorkeeper: Doorkeeper, work: Work) -> Response:
    """Turn a one-time link into a session.

    The answer is a page, not a redirect: a browser does not send a SameSite=Strict cookie with a redirect of
    a request that began on another page, such as the file that `offhook open` opens.
    """
    secret = await work.run(doorkeeper.sign_in, request.query_params.get("link", ""))
    if secret is None:
        return HTMLResponse(STRANGER, 401)
    goes_to = _inside(request.query_params.get("to", "/"))
    page = HTMLResponse(SIGNED_IN.format(to=escape(goes_to)))
    page.headers["set-cookie"] = doorkeeper.cookie_header(secret)
    return page


def _inside(path: str) -> str:
    """Return a path of the desk itself, never another site's address."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_path else "/"


STRANGER = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>offhook</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<h1>You are not signed in</h1>
<p>Type <code>offhook open</code> in a terminal on this machine. It opens this page, signed in.</p>
<p>A link of <code>offhook open</code> works once, and for two minutes.</p>
</html>
"""
SIGNED_IN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>offhook</title>
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="0;url={to}">
<p><a href="{to}">Go on to offhook</a></p>
</html>
"""
