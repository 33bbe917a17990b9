"""The page of the search."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from offhook.desk.desk import Desk
from offhook.desk.known_values import known_values
from offhook.desk.searching import Places, look
from offhook.web.api.search import Search
from offhook.web.call import BadCall, from_query
from offhook.web.pages import Renderer

#: A word that may still be typed, as in js/search.js.
_LAST_WORD = re.compile(r"[^\W_]{2,}$")


def search_page(request: Request, desk: Desk, renderer: Renderer) -> Response:
    """Return the page of the search, with what its address asks for."""
    return renderer.page(request, "search.html", "Search", _found(desk, request), known=known_values(desk))


def _found(desk: Desk, request: Request) -> Places | None:
    """Return what is found; None if nothing is asked for, or nothing that is understood."""
    try:
        asked = from_query(Search, request.query_params)
    except BadCall:
        return None
    words = asked.q.strip()
    return look(desk, _unfinished(words), asked.limit, asked.wanted) if words else None


def _unfinished(words: str) -> str:
    """Return the words with the last one as a beginning, as while they are typed."""
    return f"{words}*" if _LAST_WORD.search(words) else words
