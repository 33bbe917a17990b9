"""A workstation as its server sees it: a token of a person, and calls that are handed over with it."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from archive.team_messages import CHUNK_HASH, CHUNK_TYPE, OFFSET, PREFIX, CallFacts
from shared.store.access import OWN, WORKSTATION
from shared.store.people import MEMBER
from shared.store.store import Store

CREATED_AT = 1_796_000_000.25


@dataclass(frozen=True)
class HandedOver:
    """A call with its recording, as a workstation has it."""

    content: bytes
    session_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def as_json(self, **other: Any) -> bytes:
        about = {"suffix": ".wav", "title": "Call", "source": "capture", "created_at": CREATED_AT}
        content = {"sha256": self.sha256, "size_bytes": len(self.content)}
        return msgspec.json.encode(CallFacts(**{**about, **content, **self.facts, **other}))


class WorkstationClient:
    """What a workstation asks its server, step by step; `client` has its token."""

    def __init__(self, url: str, token: str, host: str = "0f" * 16) -> None:
        self.host, self.token = host, token
        self.client = httpx.Client(
            base_url=f"{url}{PREFIX}", headers={"Authorization": f"Bearer {token}"}, timeout=40
        )

    def join(self, host: str | None = None) -> httpx.Response:
        return self.client.post("/join", json={"host": host or self.host, "name": "desk-7", "version": "1"})

    def offer(self, call: HandedOver, **other: Any) -> httpx.Response:
        return self.client.put(f"/calls/{call.session_id}", content=call.as_json(**other))

    def send(
        self, call: HandedOver, begin: int, end: int | None = None, digest: str | None = None
    ) -> httpx.Response:
        chunk = call.content[begin:end]
        headers = {
            OFFSET: str(begin),
            "Content-Type": CHUNK_TYPE,
            CHUNK_HASH: digest or hashlib.sha256(chunk).hexdigest(),
        }
        return self.client.patch(f"/calls/{call.session_id}/content", content=chunk, headers=headers)

    def commit(self, call: HandedOver) -> httpx.Response:
        return self.client.post(f"/calls/{call.session_id}/commit")

    def hand_over(self, call: HandedOver) -> dict[str, Any]:
        """Hand a call over in one chunk, and return its news."""
        assert self.offer(call).json()["state"] == "wanted"
        assert self.send(call, 0).status_code == 204
        answer = self.commit(call)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["record"]
        return found

    def changes(self, after: int = 0, wait: int = 0) -> dict[str, Any]:
        answer = self.client.get("/changes", params={"after": after, "wait": wait})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def close(self) -> None:
        self.client.close()


def token_of(store: Store, name: str, scopes: str = OWN) -> str:
    """Make a workstation's token for a person, who is added if need be."""
    person = store.people.named(name) or store.people.add(name, MEMBER)
    return store.access.add(WORKSTATION, scopes, name=f"{name}'s", person_id=person.id)
