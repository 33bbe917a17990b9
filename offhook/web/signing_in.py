"""Signing in: by a one-time link, or a password over TLS, in a team with a name; and the page for others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from offhook.desk.authenticating import Attempt
from offhook.desk.password import TooManyGuesses
from offhook.web.dispatch import read_body
from offhook.web.neighbours import user_of
from offhook.web.pages import Renderer
from offhook.web.visitors import Doorkeeper, address_of, is_secure
from offhook.web.work import SIGN_IN, Work

PATH = "/sign-in"
LARGEST_FORM_BYTES = 10_000
#: People who wait until their passwords are looked at; further ones try again.
MOST_WAITING = 20


class Entrance:
    """Signs persons in, and says how to others."""

    def __init__(self, doorkeeper: Doorkeeper, renderer: Renderer, work: Work) -> None:
        self._doorkeeper, self._renderer, self._work = doorkeeper, renderer, work
        self._turn, self._waiting = asyncio.Lock(), 0

    async def stranger(
        self, request: Request, wrong: str = "", status: int = 401, to: str | None = None
    ) -> Response:
        """Return the page for a visitor who is not signed in; `wrong` says what went wrong."""
        page = self._renderer.page(
            request,
            "sign_in.html",
            "Sign in",
            takes_password=is_secure(request.scope),
            takes_name=await self._work.run(lambda: self._doorkeeper.is_team),
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
        if secret is None:
            return await self.stranger(request, to=goes_to)
        return self._signed_in(request, secret, goes_to)

    async def by_password(self, request: Request) -> Response:
        """Turn a password into a session; a form of another site does not get here."""
        fields = parse_qs((await read_body(request, LARGEST_FORM_BYTES)).decode(errors="replace"))
        form = {name: values[0] for name, values in fields.items()}
        goes_to = _inside(form.get("to", "/"))
        if not is_secure(request.scope) or "origin" not in request.headers:
            return await self.stranger(request, "This page takes no password.", 403, goes_to)
        try:
            is_team = await self._work.run(lambda: self._doorkeeper.is_team)
            secret = await (self._of_person(request, form) if is_team else self._of_home(request, form))
        except TooManyGuesses as error:
            return await self.stranger(request, str(error), 429, goes_to)
        if secret is None:
            wrong = "Name or password is wrong." if is_team else "The password is wrong."
            return await self.stranger(request, wrong, to=goes_to)
        return self._signed_in(request, secret, goes_to)

    async def _of_home(self, request: Request, form: Mapping[str, str]) -> str | None:
        given, user = form.get("password", ""), user_of(request.scope)
        return await self._work.run_as(SIGN_IN, self._doorkeeper.sign_in_with, given, user)

    async def _of_person(self, request: Request, form: Mapping[str, str]) -> str | None:
        """Sign a person in: one after another, since each takes memory and time. Raises TooManyGuesses."""
        if self._waiting >= MOST_WAITING:
            raise TooManyGuesses("Many people are signing in. Try again in a moment.")
        name, password = form.get("username", ""), form.get("password", "")
        attempt, cookies = Attempt(name, password, address_of(request.scope)), request.headers.get("cookie")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._work.run_as(SIGN_IN, self._doorkeeper.sign_in_as, attempt, cookies)
        finally:
            self._waiting -= 1

    def _signed_in(self, request: Request, secret: str, goes_to: str) -> Response:
        page = self._renderer.page(request, "signed_in.html", "Signed in", to=goes_to)
        is_tls = is_secure(request.scope)
        page.headers["set-cookie"] = self._doorkeeper.cookie_header(secret, is_secure=is_tls)
        return page


def _inside(path: str) -> str:
    """Return a path of the desk itself, never another site's address."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_path and path != PATH else "/"
