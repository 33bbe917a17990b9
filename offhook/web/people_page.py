"""The page of people: a list, and a form for each change; for admins. It works without scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from offhook.desk import people, person_password
from offhook.desk.desk import Desk
from offhook.web.call import seen_by
from offhook.web.dispatch import read_body
from offhook.web.pages import Renderer
from offhook.web.work import SIGN_IN, Work
from shared.errors import OffhookError
from shared.store.people import MEMBER, ROLES

PATH = "/people"
LARGEST_FORM_BYTES = 10_000
#: What is done with a person; returns a password that was made, to be shown once.
Change = Callable[[Desk, Mapping[str, str]], str | None]


def people_page(
    request: Request, desk: Desk, renderer: Renderer, wrong: str = "", made: str = "", status: int = 200
) -> Response:
    """Return the page; `wrong` says what went wrong, `made` is a password that was made."""
    found = desk.store.people.every()
    page = renderer.page(
        request, "people.html", "People", people=found, roles=ROLES, wrong=wrong, made=made,
        own_id=desk.store.view.person_id,
    )  # fmt: skip
    page.status_code = status
    return page


class PeopleForms:
    """Takes the forms of the page."""

    def __init__(self, desk: Desk, renderer: Renderer, work: Work) -> None:
        self._desk, self._renderer, self._work = desk, renderer, work

    async def answer(self, request: Request) -> Response:
        """Make the change that a form asks for, and show the page again."""
        fields = parse_qs((await read_body(request, LARGEST_FORM_BYTES)).decode(errors="replace"))
        form = {name: values[0] for name, values in fields.items()}
        return await self._work.run_as(SIGN_IN, self._answered, request, form)

    def _answered(self, request: Request, form: Mapping[str, str]) -> Response:
        desk, visitor = seen_by(request, self._desk), request.state.visitor
        if not visitor.in_team or not visitor.proves(form.get("csrf")) or "origin" not in request.headers:
            text = "The page is out of date. Load it again."
            return people_page(request, desk, self._renderer, text, status=403)
        change = _CHANGES.get(form.get("what", ""))
        try:
            made = change(desk, form) if change else None
        except OffhookError as error:
            return people_page(request, desk, self._renderer, str(error), status=422)
        return people_page(request, desk, self._renderer, made=made or "")


def _add(desk: Desk, form: Mapping[str, str]) -> str:
    made = person_password.generated()
    role = form.get("role", MEMBER)
    people.add(desk, desk.store.view, form.get("name", ""), role if role in ROLES else MEMBER, password=made)
    return made


def _password(desk: Desk, form: Mapping[str, str]) -> str:
    made = person_password.generated()
    people.set_password(desk, desk.store.view, form.get("name", ""), made)
    return made


def _role(desk: Desk, form: Mapping[str, str]) -> None:
    if (role := form.get("role", "")) in ROLES:
        people.set_role(desk, desk.store.view, form.get("name", ""), role)


def _disable(desk: Desk, form: Mapping[str, str]) -> None:
    people.disable(desk, desk.store.view, form.get("name", ""))


def _enable(desk: Desk, form: Mapping[str, str]) -> None:
    people.enable(desk, desk.store.view, form.get("name", ""))


_CHANGES: dict[str, Change] = {
    "add": _add,
    "password": _password,
    "role": _role,
    "disable": _disable,
    "enable": _enable,
}
