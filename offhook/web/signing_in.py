"""Signing in: by a one-time link, or a password over TLS; and the page for those who have neither."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from offhook.desk.password import TooManyGuesses
from offhook.web.dispatch import read_body
from offhook.web.neighbours import user_of
from offhook.web.pages import Renderer
from offhook.web.visitors import Doorkeeper
from offhook.web.work import Work

PATH = "/sign-in"
LARGEST_FORM_BYTES = 10_000


class Entrance:
    """Signs persons in, and says how to others."""

    def __init__(self, doorkeeper: Doorkeeper, renderer: Renderer, work: Work) -> None:
        self._doorkeeper, self._renderer, self._work = doorkeeper, renderer, work

    def stranger(
        self, request: Request, wrong: str = "", status: int = 401, to: str | None = None
    ) -> Response:
        """Return the page for a visitor who is not signed in; `wrong` says what went wrong."""
        page = self._renderer.page(
            request,
            "sign_in.html",
            "Sign in",
            takes_password=self._doorkeeper.is_secure,
            wrong=wrong,
            to=to or request.url.path,
        )
        page.status_code = status
        return page

    async def by_link(self, request: Request) -> Response:
        """Turn a one-time link into a session.

        The answer is a page, not a redirect: a browser does not send a SameSite=Strict cookie with a redirect
        of a request that began on another page, such as the file that `offhook open` opens.
        """
        link, user = request.query_params.get("link", ""), user_of(request.scope)
        secret = await self._work.run(self._doorkeeper.sign_in, link, user)
        goes_to = _inside(request.query_params.get("to", "/"))
        return self._signed_in(request, secret, goes_to) if secret else self.stranger(request, to=goes_to)

    async def by_password(self, request: Request) -> Response:
        """Turn a password into a session; a form of another site does not get here."""
        form = parse_qs((await read_body(request, LARGEST_FORM_BYTES)).decode(errors="replace"))
        goes_to = _inside(form.get("to", ["/"])[0])
        if not self._doorkeeper.is_secure or "origin" not in request.headers:
            return self.stranger(request, "This page takes no password.", 403, goes_to)
        try:
            given, user = form.get("password", [""])[0], user_of(request.scope)
            secret = await self._work.run(self._doorkeeper.sign_in_with, given, user)
        except TooManyGuesses as error:
            return self.stranger(request, str(error), 429, goes_to)
        if secret is None:
            return self.stranger(request, "The password is wrong.", to=goes_to)
        return self._signed_in(request, secret, goes_to)

    def _signed_in(self, request: Request, secret: str, goes_to: str) -> Response:
        page = self._renderer.page(request, "signed_in.html", "Signed in", to=goes_to)
        page.headers["set-cookie"] = self._doorkeeper.cookie_header(secret)
        return page


def _inside(path: str) -> str:
    """Return a path of the desk itself, never another site's address."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_path and path != PATH else "/"
