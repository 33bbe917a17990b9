"""The audit log of a team's desk, and the pages of people and of the log."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from playwright.sync_api import Browser

from offhook.web.visitors import cookie_name
from shared.settings import Settings
from shared.store.access import READ, SESSION, WRITE
from shared.store.people import LEAD
from shared.store.store import Store
from tests.desk import DeskServer
from tests.integration.desk.team import CANARY, Team, team_of
from tests.waiting import until


@pytest.fixture(scope="module")
def team(desk: DeskServer, desk_store: Store) -> Team:
    return team_of(desk, desk_store, Settings(home=desk.stage.home))


@pytest.fixture
def ada(team: Team) -> Iterator[httpx.Client]:
    with closing(team.browser(team.ada)) as client:
        yield client


@pytest.fixture
def root(team: Team) -> Iterator[httpx.Client]:
    with closing(team.browser(team.root)) as client:
        client.headers["Origin"] = team.desk.url
        yield client


def noted(team: Team, person: str = "ada") -> list[tuple[str, int | None]]:
    """What was noted of a person, the oldest first."""
    return [(it.action, it.record_id) for it in reversed(team.store.audit.entries(500, person=person))]


def test_who_reads_plays_exports_and_searches_is_noted_within_a_second(team: Team, ada: httpx.Client) -> None:
    number = team.of_ada.id
    at = f"/api/v1/records/{number}"
    for path in (f"/records/{number}", f"{at}/export/txt", "/api/v1/search?q=engine"):
        assert ada.get(path).status_code == 200
    assert ada.get(f"{at}/audio").status_code in (200, 404, 409, 415)
    began = time.monotonic()
    expected = {("read", number), ("export", number), ("search", None)}
    until(lambda: expected <= set(noted(team)), "the reads are noted")
    assert time.monotonic() - began < 2.0
    (search,) = team.store.audit.entries(9, person="ada", action="search")
    assert (search.detail, search.address) == ("engine", "127.0.0.1")


def test_the_same_read_is_noted_once_for_a_while(team: Team, ada: httpx.Client) -> None:
    for _ in range(5):
        ada.get(f"/api/v1/records/{team.of_ada.id}/notes")
        ada.get(f"/api/v1/records/{team.of_ada.id}/transcript")
    ada.get("/api/v1/search?q=lovel")
    until(lambda: ("search", None) in noted(team), "the reads are noted")
    assert noted(team).count(("read", team.of_ada.id)) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "action"),
    [
        ("PATCH", "", {"title": "A better title"}, "edit"),
        ("POST", "/notes", {"at_ms": 0, "text": "a note"}, "edit"),
        ("PUT", "/speakers", {"speaker": "them", "name": "Ada L."}, "edit"),
        ("POST", "/replace", {"old": "analytical", "new": "difference"}, "edit"),
        ("POST", "/undo", {}, "edit"),
        ("POST", "s/retry", {"ids": "own"}, "retry"),
        ("POST", "s/cancel", {"ids": "own"}, "retry"),
        ("POST", "s/delete", {"ids": "own"}, "delete"),
        ("POST", "s/undelete", {"ids": "own"}, "undelete"),
    ],
)
def test_each_change_is_noted_once_with_its_record(
    team: Team, ada: httpx.Client, method: str, path: str, body: dict[str, object], action: str
) -> None:
    before = noted(team)
    is_bulk = path.startswith("s/")
    if is_bulk:
        body = {"ids": [team.of_ada.id, team.of_bob.id, 999_999]}
    where = f"/api/v1/record{path}" if is_bulk else f"/api/v1/records/{team.of_ada.id}{path}"
    answer = ada.request(method, where, json=body)
    assert answer.status_code < 300, answer.text
    until(lambda: len(noted(team)) > len(before), "it is noted")
    new = [it for it in noted(team)[len(before) :] if it[0] not in ("read", "search")]
    assert new == [(action, team.of_ada.id)]  # nothing of a call that is another's, or is not there


def test_a_preview_of_replaced_words_is_noted_as_what_it_lets_read(team: Team) -> None:
    with closing(team.browser(team.eve)) as lead:
        for everywhere in (True, False):
            given = {"old": CANARY, "new": "Kenya", "everywhere": everywhere, "preview": True}
            answer = lead.post(f"/api/v1/records/{team.of_bob.id}/replace", json=given)
            assert answer.json()["count"] == 2
    assert noted(team, "eve") == [("search", None), ("read", team.of_bob.id)]
    (search,) = team.store.audit.entries(9, person="eve", action="search")
    assert search.detail == CANARY


def test_what_is_refused_is_not_noted_as_done(team: Team, ada: httpx.Client) -> None:
    before = noted(team)
    assert ada.patch(f"/api/v1/records/{team.of_bob.id}", json={"title": "mine"}).status_code == 404
    assert ada.patch(f"/api/v1/records/{team.of_ada.id}", json={"title": " "}).status_code == 400
    assert ada.post("/api/v1/queue/pause").status_code == 403
    assert [it for it in noted(team)[len(before) :] if it[0] not in ("read", "search")] == []


def test_a_home_without_people_keeps_no_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.desk import serving
    from tests.integration.commands.spoken import spoken
    from tests.stage import Stage

    stage = Stage(tmp_path_factory.mktemp("alone") / "home")
    with serving(stage) as server, Store.of_home(Settings(home=stage.home)) as store:
        record = spoken(Settings(home=stage.home), store)
        with closing(server.client()) as client:
            assert client.get(f"/records/{record.id}").status_code == 200
            assert client.patch(f"/api/v1/records/{record.id}", json={"title": "x"}).status_code == 200
            assert "People" not in client.get("/").text
            assert store.audit.entries(9) == []


# Pages


def test_an_admin_reads_the_log_and_others_do_not(team: Team, ada: httpx.Client, root: httpx.Client) -> None:
    assert ada.get("/audit").status_code == 403
    page = root.get(f"/audit?person=ada&record={team.of_ada.id}&action=delete")
    assert page.status_code == 200
    assert len(re.findall(r"<td>delete</td>", page.text)) == 1
    assert "<td>retry</td>" not in page.text
    assert root.get("/audit?since=2999-01-01").text.count("Nothing is noted.") == 1
    assert root.get("/audit?since=nonsense").status_code == 400
    assert root.get("/audit?record=x").status_code == 400


def csrf(client: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/people").text)
    assert found
    return found[1]


def test_an_admin_changes_people_by_forms_with_the_token_of_the_page(team: Team, root: httpx.Client) -> None:
    pytest.importorskip("argon2")
    form = {"csrf": csrf(root), "what": "add", "name": "Gil", "role": "lead"}
    for wrong in ({"csrf": ""}, {"csrf": "0" * 64}):
        assert root.post("/people", data={**form, **wrong}).status_code == 403
    assert root.post("/people", data=form, headers={"Origin": "https://evil.test"}).status_code == 403
    page = root.post("/people", data=form)
    assert page.status_code == 200
    assert re.search(r"<code>[\w-]{16}</code>", page.text)
    assert team.store.people.get("gil").role == LEAD
    assert root.post("/people", data=form).status_code == 422  # there is a gil
    root.post("/people", data={**form, "what": "disable", "name": "gil"})
    assert team.store.people.get("gil").disabled_at
    own = {**form, "what": "disable", "name": "root"}
    assert "your own account" in root.post("/people", data=own).text
    assert noted(team, "root")[-2:] == [("person_add", None), ("person_disable", None)]


def test_nobody_else_changes_people(team: Team, ada: httpx.Client) -> None:
    for client in (ada, team.browser(team.eve)):
        with closing(client):
            headers = {"Origin": team.desk.url}
            form = {"csrf": client.headers["X-CSRF-Token"], "what": "role", "name": "ada", "role": "admin"}
            assert client.post("/people", data=form, headers=headers).status_code == 403
    assert team.store.people.get("ada").role == "member"


def test_the_pages_of_people_and_of_the_log_are_accessible(
    team: Team, browser: Browser, faults: list[str]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    secret = team.store.access.add(SESSION, f"{READ} {WRITE}", lives_seconds=600, person_id=team.root.id)
    cookie = {"name": cookie_name(team.desk.port, is_secure=False), "value": secret, "url": team.desk.url}
    with browser.new_context() as context:
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        for path in ("/people", "/audit"):
            page.goto(f"{team.desk.url}{path}")
            assert page.get_by_role("link", name="Audit log").is_visible()
            assert axe.run(page).response["violations"] == [], path
