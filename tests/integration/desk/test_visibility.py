"""What a member of a team finds of another member's calls: nothing, under no address."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from offhook.web.listeners import MOST_OF_A_PERSON
from offhook.web.rules import RULES, rule_of
from shared.settings import Settings
from shared.store.people import ADMIN, LEAD, MEMBER
from shared.store.store import Store
from tests import databases, tables
from tests.desk import serving
from tests.integration.commands.spoken import spoken
from tests.integration.desk.team import CANARY, Team, team_of
from tests.stage import ROOT, Stage
from tests.waiting import until

#: A number and ids that nothing has.
MISSING, NOBODYS = 987_654, "00000000-0000-4000-8000-000000000000"
STREAMS = ("/api/v1/events",)


@pytest.fixture(scope="module", params=databases.BOTH)
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The setting `database`: a PostgreSQL database of this module's own, or nothing for SQLite."""
    if request.param == databases.SQLITE:
        yield ""
        return
    with request.getfixturevalue("postgres_server").database() as url:
        yield url


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Team]:
    home = tmp_path_factory.mktemp("team") / "home"
    own = (("OFFHOOK_DATABASE", database_url),) if database_url else ()
    with serving(Stage(home, own)) as desk:
        with Store.of_home(Settings(home=home, database=database_url)) as store:
            yield team_of(desk, tables.use(store), Settings(home=home, database=database_url))


@pytest.fixture(scope="module")
def ada(team: Team, database_url: str) -> Iterator[httpx.Client]:
    """Ada's browser, or a program with a token of hers on the other database."""
    with closing(team.program(team.ada) if database_url else team.browser(team.ada)) as client:
        yield client


@pytest.fixture(scope="module")
def lead(team: Team) -> Iterator[httpx.Client]:
    with closing(team.browser(team.eve)) as client:
        yield client


def addresses(routes: list[Route]) -> list[tuple[str, str]]:
    """Every method of every address, as a template; what serves pages of its own accord is left out."""
    return [
        (method, route.path)
        for route in routes
        for method in sorted(route.methods or {"GET"})
        if not route.path.startswith(("/static/", "/sign-in")) and route.path not in STREAMS
    ]


def filled(path: str, record_id: int, session_id: str, upload_id: str, note_id: int) -> str:
    values = {
        "record_id": record_id,
        "session_id": session_id,
        "upload_id": upload_id,
        "note_id": note_id,
        "format": "txt",
        "first_word": 0,
        "model": "tiny.en",
    }
    return re.sub(r"{(\w+)(:\w+)?}", lambda it: str(values.get(it[1], 1)), path)


def body_for(path: str, record_id: int) -> dict[str, Any]:
    """A body that the address takes."""
    if path.endswith("/replace"):
        return {"old": CANARY, "new": "other"}
    if path.endswith("/move"):
        return {"ids": [record_id], "where": "up"}
    if re.search(r"/records/\w+$", path):
        return {"ids": [record_id]}
    return {}


def asked(client: httpx.Client, method: str, path: str, record_id: int) -> tuple[int, str, str]:
    """The status, the type and the body of an answer, without the number that was asked for."""
    headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
    given: dict[str, Any] = {"headers": headers}
    if path.startswith("/api/v1/uploads/"):
        headers["Content-Type"] = "application/offset+octet-stream"
    elif method in ("POST", "PUT", "PATCH"):
        given["json"] = body_for(path, record_id)
    with client.stream(method, path, **given) as answer:
        kind = answer.headers.get("content-type", "")
        text = "" if kind.startswith("text/event-stream") else answer.read().decode("utf-8", "replace")
    return answer.status_code, kind, re.sub(rf"\b{record_id}\b", "N", text)


def test_another_members_call_answers_at_every_address_as_one_that_does_not_exist(
    all_routes: list[Route], team: Team, ada: httpx.Client
) -> None:
    """The addresses are those of the application, so that a new one is looked at too."""
    bobs = (team.of_bob.id, team.of_bob.session_id, team.upload_id, team.note_id)
    nobodys = (MISSING, NOBODYS, NOBODYS, MISSING)
    found = [it for it in addresses(all_routes) if re.search(r"{(record|session|upload)_id", it[1])]
    assert len(found) > 45
    for method, path in found:
        theirs = asked(ada, method, filled(path, *bobs), team.of_bob.id)
        missing = asked(ada, method, filled(path, *nobodys), MISSING)
        hidden = (theirs[2].replace(team.of_bob.session_id, "S").replace(team.upload_id, "S"), missing[2])
        assert (theirs[0], theirs[1], hidden[0]) == (missing[0], missing[1], hidden[1].replace(NOBODYS, "S"))
        assert theirs[0] in (403, 404) or method == "OPTIONS", (method, path)
        assert CANARY not in theirs[2].lower()
    gets = [filled(path, *bobs) for method, path in found if method == "GET"]
    with closing(team.browser(team.bob)) as bob:  # the same addresses answer their owner
        own = [asked(bob, "GET", path, team.of_bob.id) for path in gets]
    assert [status for status, _, _ in own].count(200) > 10
    assert sum(CANARY in text.lower() for _, _, text in own) > 5
    assert team.store.records.get(team.of_bob.id).title == f"Call about {CANARY}"


def test_no_other_address_tells_a_member_of_another_members_calls(
    all_routes: list[Route], team: Team, ada: httpx.Client
) -> None:
    for method, path in addresses(all_routes):
        if re.search(r"{(record|session|upload)_id", path) or method not in ("GET", "HEAD"):
            continue
        for query in ("", f"?q={CANARY}", f"?ids={team.of_bob.id}", f"?q=is&speaker=Mr+{CANARY}"):
            status, _, text = asked(ada, method, filled(path, 0, "", "", 0) + query, team.of_bob.id)
            said = text.lower().replace(f"?q={CANARY}", "").replace(f'"q":"{CANARY}"', "")
            said = re.sub(rf'value="{CANARY}"', "", said)
            assert CANARY not in said, (path, query, status)


def test_bulk_actions_treat_another_members_call_as_missing(team: Team, ada: httpx.Client) -> None:
    before = team.store.records.get(team.of_bob.id)
    team.store.deletions.add(team.of_bob.id, time.time() + 3000)
    for name in ("retry", "cancel", "delete", "undelete"):
        path = f"/api/v1/records/{name}"
        theirs, missing = (asked(ada, "POST", path, it) for it in (team.of_bob.id, MISSING))
        assert theirs == missing
        assert "record_not_found" in theirs[2]
    assert team.store.deletions.remove([team.of_bob.id]) == [team.of_bob.id]  # nobody else undid it
    assert team.store.records.get(team.of_bob.id) == before


def test_a_member_counts_the_own_calls_alone(team: Team, ada: httpx.Client, lead: httpx.Client) -> None:
    for client, total in ((ada, 1), (lead, 2)):
        page = client.get("/api/v1/records").json()
        assert (page["total"], page["counts"]["completed"]) == (total, total)
        assert len(client.get("/api/v1/records/order").json()["ids"]) == total
        assert client.get("/api/v1/queue").json()["counts"]["completed"] == total


def test_a_member_sees_nothing_of_the_servers_folders_and_processes(
    team: Team, ada: httpx.Client, lead: httpx.Client
) -> None:
    seen = lead.get("/api/v1/queue").json()
    assert (seen["home"], bool(seen["workers"])) == (str(team.settings.home), True)
    answer = ada.get("/api/v1/queue")
    assert answer.status_code == 200
    assert str(team.settings.home) not in answer.text
    assert (answer.json()["inbox"]["path"], answer.json()["workers"]) == ("", [])


def test_a_lead_finds_everybodys_calls(team: Team, lead: httpx.Client) -> None:
    assert lead.get(f"/api/v1/records/{team.of_bob.id}").json()["title"] == f"Call about {CANARY}"
    assert [it["record_id"] for it in lead.get(f"/api/v1/search?q={CANARY}").json()["places"]] == (
        [team.of_bob.id] * 2
    )


def test_words_are_replaced_everywhere_in_the_own_calls_alone(team: Team, ada: httpx.Client) -> None:
    given = {"old": CANARY, "new": "Kenya", "everywhere": True}
    for preview in (True, False):
        answer = ada.post(f"/api/v1/records/{team.of_ada.id}/replace", json={**given, "preview": preview})
        assert answer.json()["count"] == 0
    assert CANARY in " ".join(team.store.parts.texts(team.of_bob.id))


def test_names_of_another_members_speakers_are_not_suggested(
    team: Team, ada: httpx.Client, lead: httpx.Client
) -> None:
    path = f"/api/v1/records/{team.of_ada.id}/speakers"
    assert ada.get(path).json()["known"] == []
    assert lead.get(path).json()["known"] == [f"Mr {CANARY.title()}"]


class Listener:
    """An open event stream, and what came through it, until the server ends it or so many deletions came."""

    def __init__(self, client: httpx.Client, deletions: int | None = None) -> None:
        self.text, self.has_ended, self._deletions = "", False, deletions
        self._client = client
        threading.Thread(target=self._listen, daemon=True).start()
        until(lambda: "event: desk" in self.text, "the stream has begun")

    def _listen(self) -> None:
        with suppress(httpx.HTTPError), self._client.stream("GET", "/api/v1/events") as answer:
            for piece in answer.iter_text():
                self.text += piece
                if len(self.ids("deleted")) == self._deletions:
                    break
        self.has_ended = True

    def ids(self, kind: str) -> set[int]:
        found = re.findall(rf"event: {kind}\n(?:id: \d+\n)?data: (.+)\n", self.text)
        return {json.loads(it)["id"] for it in found}


def test_an_event_stream_brings_the_own_calls_and_deletions_alone(team: Team, ada: httpx.Client) -> None:
    with closing(team.browser(team.bob)) as bobs, closing(team.browser(team.eve)) as leads:
        streams = {"ada": Listener(ada, 2), "bob": Listener(bobs, 2), "lead": Listener(leads, 4)}
        calls: dict[str, set[int]] = {"ada": set(), "bob": set()}
        for name, person in (("bob", team.bob), ("ada", team.ada)) * 2:
            record = spoken(team.settings, team.store, title=f"{name} {time.time()}", owner_id=person.id)
            calls[name].add(record.id)
            until(lambda it=record.id: it in streams["lead"].ids("record"), "the lead is told of all")
        for pair in zip(*calls.values(), strict=True):
            for record_id in pair:
                team.store.records.delete(record_id)
        for name, stream in streams.items():
            until(lambda it=stream: it.has_ended, "all deletions are told")
            own = calls.get(name) or calls["ada"] | calls["bob"]
            assert (stream.ids("record"), stream.ids("deleted")) == (own, own)


def test_a_stream_that_was_away_reads_the_own_changes_alone(team: Team, ada: httpx.Client) -> None:
    found = ""
    with ada.stream("GET", "/api/v1/events?after=0") as answer:
        for piece in answer.iter_text():
            found += piece
            if f'"id":{team.of_ada.id},' in found and "event: desk" in found:
                break
    assert CANARY not in found.lower()


@pytest.mark.parametrize(
    ("change", "goes_on"), [("disable", False), ("role", False), ("remove", False), ("token", False)]
)
def test_an_open_stream_ends_soon_when_its_person_may_no_more(team: Team, change: str, goes_on: bool) -> None:
    person = team.store.people.add(f"p-{change}", MEMBER)
    client = team.program(person) if change == "token" else team.browser(person)
    with closing(client):
        stream = Listener(client)
        began = time.monotonic()
        {
            "disable": lambda: team.store.people.disable(person.id),
            "role": lambda: team.store.people.set_role(person.id, LEAD),
            "remove": lambda: team.store.people.remove(person.id),
            "token": lambda: team.store.people.set_role(person.id, ADMIN),
        }[change]()
        until(lambda: stream.has_ended, "the stream ends", 10.0)
        assert time.monotonic() - began < 5.0
        still = client.get("/api/v1").status_code
        assert (still == 200) == (change == "token")  # a token goes on, with the new role


def test_a_role_that_is_taken_away_counts_with_the_next_request(team: Team) -> None:
    person = team.store.people.add("fay", ADMIN)
    with closing(team.program(person)) as client:
        assert client.get("/api/v1/hooks").status_code == 200
        assert client.get("/api/v1/records").json()["total"] >= 2
        team.store.people.set_role(person.id, MEMBER)
        assert client.get("/api/v1/hooks").status_code == 403
        assert client.get("/api/v1/records").json()["total"] == 0


@pytest.mark.parametrize(
    ("method", "path", "least"),
    [
        ("POST", "/api/v1/queue/pause", LEAD),
        ("POST", "/api/v1/queue/resume", LEAD),
        ("GET", "/api/v1/hooks", ADMIN),
        ("GET", "/api/v1/recorder", ADMIN),
        ("GET", "/recorder", ADMIN),
    ],
)
def test_what_concerns_everybody_needs_a_role(team: Team, method: str, path: str, least: str) -> None:
    people = {MEMBER: team.ada, LEAD: team.eve, ADMIN: team.root}
    for role, person in people.items():
        with closing(team.browser(person)) as client:
            status = client.request(method, path).status_code
        is_allowed = list(people).index(role) >= list(people).index(least)
        assert (status == 403) != is_allowed, (role, status)


def test_every_address_has_a_rule_and_every_rule_an_address(all_routes: list[Route]) -> None:
    real = {
        f"{method} {re.sub(r':[a-z]+}', '}', route.path)}"
        for route in all_routes
        for method in route.methods or {"GET"}
    }
    unruled = {it for it in real if it not in RULES and it.replace("HEAD ", "GET ") not in RULES}
    assert {it for it in unruled if "/api/v1/team/" not in it} == set()
    assert set(RULES) - real == set()
    assert rule_of("GET", "/what/is/new").role == ADMIN


def test_a_call_that_a_member_sends_is_the_members(team: Team, ada: httpx.Client) -> None:
    sample = (ROOT / "offhook" / "sample" / "sample-call.wav").read_bytes()
    with closing(team.browser(team.bob)) as bobs:
        for client, person in ((ada, team.ada), (bobs, team.bob)):
            answer = client.post("/api/v1/records?name=sample.wav", content=sample)
            assert answer.status_code in (200, 201), answer.text
            record = team.store.records.get(answer.json()["record"]["id"])
            assert record.owner_id == person.id
            assert client.get(f"/api/v1/records/{record.id}").status_code == 200
            team.store.records.delete(record.id)


def test_nobody_takes_the_event_streams_of_others(team: Team, ada: httpx.Client) -> None:
    with ExitStack() as streams:
        answers = [streams.enter_context(ada.stream("GET", "/api/v1/events")) for _ in range(25)]
        assert [it.status_code for it in answers].count(200) == MOST_OF_A_PERSON
        with closing(team.browser(team.bob)) as bobs, bobs.stream("GET", "/api/v1/events") as answer:
            assert answer.status_code == 200
