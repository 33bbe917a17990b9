"""A team's home for tests: two members with a call each, a lead and an admin, and clients of theirs."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx

from offhook.web.visitors import cookie_name, csrf_of
from shared.settings import Settings
from shared.store.access import READ, SESSION, TOKEN, WRITE
from shared.store.people import ADMIN, LEAD, MEMBER, Person
from shared.store.store import Store
from shared.store.values import Record
from tests.desk import DeskServer
from tests.integration.commands.spoken import spoken

#: Stands in all that bob has, and in nothing of anybody else.
CANARY = "zanzibar"
BOTH = f"{READ} {WRITE}"


@dataclass
class Team:
    """The people of a home, and what bob has: a call, a note, a speaker's name, an upload."""

    desk: DeskServer
    store: Store
    settings: Settings
    ada: Person
    bob: Person
    eve: Person
    root: Person
    of_ada: Record
    of_bob: Record
    note_id: int
    upload_id: str

    def browser(self, person: Person) -> httpx.Client:
        """A browser in which a person is signed in, which sends the token of its page."""
        secret = self.store.access.add(SESSION, BOTH, lives_seconds=3600, person_id=person.id)
        client = httpx.Client(base_url=self.desk.url, timeout=30)
        client.cookies.set(cookie_name(self.desk.port, is_secure=False), secret)
        client.headers["X-CSRF-Token"] = csrf_of(secret)
        return client

    def program(self, person: Person, scopes: str = BOTH) -> httpx.Client:
        """A program with a token of a person."""
        secret = self.store.access.add(TOKEN, scopes, name="program", person_id=person.id)
        return httpx.Client(base_url=self.desk.url, timeout=30, headers={"Authorization": f"Bearer {secret}"})


def team_of(desk: DeskServer, store: Store, settings: Settings) -> Team:
    """Fill a home."""
    root, eve = store.people.add("root", ADMIN), store.people.add("eve", LEAD)
    ada, bob = store.people.add("ada", MEMBER), store.people.add("bob", MEMBER)
    of_ada = spoken(settings, store, title="A call of Ada", owner_id=ada.id)
    said = (("me", f"Is it {CANARY}?"), ("them", f"Yes, {CANARY} it is."))
    about = {"candidate_id": f"C-{CANARY}", "project_id": f"P-{CANARY}", "owner_id": bob.id}
    of_bob = spoken(settings, store, title=f"Call about {CANARY}", said=said, **about)
    store.overlays.rename(of_bob.id, "them", f"Mr {CANARY.title()}")
    note_id = store.notes.add(of_bob.id, 0, f"note on {CANARY}")
    team = Team(desk, store, settings, ada, bob, eve, root, of_ada, of_bob, note_id, "")
    with closing(team.browser(bob)) as client:
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "1000"}
        name = {"Upload-Metadata": "filename " + _base64(f"{CANARY}.wav")}
        made = client.post("/api/v1/uploads", headers={**headers, **name})
        assert made.status_code == 201, made.text
        team.upload_id = Path(made.headers["location"]).name
    return team


def _base64(text: str) -> str:
    from base64 import b64encode

    return b64encode(text.encode()).decode()
