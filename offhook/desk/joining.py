"""Joins a team's server, and leaves it: what a person decides about where recordings are transcribed."""

from __future__ import annotations

import asyncio
import platform
from dataclasses import dataclass
from pathlib import Path

from offhook.desk.desk import Desk
from outbox_worker.address import checked
from outbox_worker.client import Server, trusted
from outbox_worker.errors import ServerRefused
from shared.errors import OffhookError, SettingsError, StateConflict
from shared.files import read_regular
from shared.host import host_of
from shared.plain_text import one_line
from shared.store.joining import JoinedServer
from shared.store.transitions import COMPLETED, QUEUED

LONGEST_TOKEN = 500
LARGEST_CERTIFICATE_BYTES = 1_000_000
LONGEST_NAME = 200


class NotJoined(OffhookError):
    """This home has joined no server; it transcribes its recordings itself."""

    code = "not_joined"


@dataclass(frozen=True)
class NewlyJoined:
    """A server that was joined, how many recordings wait to be sent, and how many finished ones stay."""

    server: JoinedServer
    waiting: int
    staying: int


@dataclass(frozen=True)
class Departure:
    """What leaving a server means for the recordings here.

    `only_there` are at the server alone; the `lost` ones of them have no transcript here, and get none.
    """

    server: JoinedServer
    unsent: int
    only_there: int
    lost: int
    deletions: int


def join(
    desk: Desk, url: str, token: str, certificate: Path | None = None, *, send_existing: bool = False
) -> NewlyJoined:
    """Join a server, or give it a new token.

    Raises ServerAddress, SettingsError, StateConflict, ServerAway, TokenRefused, ServerRefused.
    """
    if desk.settings.database:
        raise SettingsError("This home is one of a team's server, which can join no other.")
    address = checked(url)
    if (present := desk.store.outbox.joined()) and present.url != address:
        raise StateConflict(f"This home has joined {present.url}. `offhook leave` ends that first.")
    server = JoinedServer(address, _usable(token), "", "", 0.0, _pem(certificate))
    joined = desk.store.outbox.join(
        asyncio.run(_introduced(server, host_of(desk.settings.home))), send_existing=send_existing
    )
    counts = desk.store.outbox.counts()
    staying = desk.store.records.counts()[COMPLETED] - sum(counts.values()) + counts["waiting"]
    waiting = counts["waiting"] + counts["sending"]
    return NewlyJoined(joined, waiting, 0 if send_existing else max(0, staying))


def departure(desk: Desk) -> Departure:
    """Return what leaving the server would mean. Raises NotJoined."""
    server = desk.store.outbox.joined()
    if server is None:
        raise NotJoined
    only_there, lost = desk.store.outbox.only_at_the_server()
    unsent = desk.store.records.counts()[QUEUED] - lost
    return Departure(server, max(0, unsent), only_there, lost, len(desk.store.outbox.deletions()))


def leave(desk: Desk) -> None:
    """Leave the server: what is queued is transcribed here again. The server keeps what it has."""
    desk.store.outbox.leave()
    for record in desk.store.records.due(limit=1):
        desk.hint(record.id, record.priority)


async def _introduced(server: JoinedServer, host: str) -> JoinedServer:
    """Introduce this machine to a server, and return the server as it introduces itself."""
    async with Server(server) as client:
        try:
            found = await client.join(host, one_line(platform.node()).strip() or "workstation")
        except ServerRefused as error:
            raise SettingsError(f"The server refuses this workstation: {error}") from error
    person = found.person.shown_name or found.person.name
    name = one_line(found.server.name)[:LONGEST_NAME] or server.url
    return JoinedServer(
        *(server.url, server.token, name, one_line(person)[:LONGEST_NAME]),
        joined_at=0.0,
        certificate=server.certificate,
        after_seq=found.seq,
    )


def _usable(token: str) -> str:
    """Return a token that fits into a header. Raises SettingsError, which does not show it."""
    token = token.strip()
    if not token or len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable():
        raise SettingsError("That is no token. `offhook token create --workstation` at the server makes one.")
    return token


def _pem(certificate: Path | None) -> str | None:
    """Read the certificate of an authority. Raises SettingsError, ServerAddress, OSError."""
    if certificate is None:
        return None
    try:
        text = read_regular(certificate, LARGEST_CERTIFICATE_BYTES).decode("ascii")
    except UnicodeDecodeError:
        raise SettingsError(f"{certificate} is not a PEM file.") from None
    trusted(text)
    return text
