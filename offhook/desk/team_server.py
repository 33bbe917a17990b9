"""How the joined server is, and where a recording is on its way there and back, in words and for programs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from offhook.desk.desk import Desk
from shared.store.joining import JoinedServer
from shared.store.outbox import OutboxItem
from shared.store.outbox_states import SENDING, SENT
from shared.store.transitions import PROCESSING, QUEUED
from shared.store.values import Record
from shared.times import iso

JOINED, AWAY, REFUSED = "joined", "away", "refused"


def server_view(desk: Desk) -> dict[str, Any] | None:
    """Describe the joined server for programs, never its token; None without one."""
    server = desk.store.outbox.joined()
    if server is None:
        return None
    return {
        "url": server.url,
        "name": server.name,
        "person": server.person,
        "state": state_of(server),
        "since": iso(server.refused_at or server.away_at),
        "why": server.away_why,
        "joined_at": iso(server.joined_at),
        "last_seen_at": iso(server.last_seen_at),
        "counts": desk.store.outbox.counts(),
        "deletions": len(desk.store.outbox.deletions()),
    }


def state_of(server: JoinedServer) -> str:
    """Say whether a server answers, is away, or refuses the token."""
    if server.refused_at is not None:
        return REFUSED
    return AWAY if server.away_at is not None else JOINED


def trouble(view: Mapping[str, Any] | None) -> str | None:
    """Say in a sentence why nothing is handed to the server now, and what to do; None if all is well."""
    if view is None or view["state"] == JOINED:
        return None
    since = datetime.fromisoformat(view["since"]).astimezone().strftime("%Y-%m-%d %H:%M")
    if view["state"] == REFUSED:
        return f"{view['name']} refuses the token since {since}: {view['why']}"
    return f"{view['name']} is away since {since}: {view['why']} Recordings wait here, and are sent later."


def places(desk: Desk, records: Sequence[Record]) -> dict[int, str]:
    """Say where queued recordings are on their way to the server and back; none where none is joined."""
    waiting = [record for record in records if record.transcription_status == QUEUED]
    if not waiting or not desk.store.outbox.is_joined():
        return {}
    items = desk.store.outbox.some([record.id for record in waiting])
    return {record.id: place(record, items.get(record.id)) for record in waiting}


def place(record: Record, item: OutboxItem | None) -> str:
    """Say where a queued recording is on its way."""
    if item is None:
        return "waiting for the server"
    if item.state == SENT:
        is_decoded = item.server_status == PROCESSING
        return f"at the server, {item.server_progress:.0%}" if is_decoded else "at the server"
    if item.state == SENDING:
        return f"being sent, {item.sent_bytes / max(1, record.size_bytes or 0):.0%}"
    return f"waiting for the server: {item.error}" if item.error else "waiting for the server"


def item_views(desk: Desk, items: Collection[OutboxItem]) -> Iterator[dict[str, Any]]:
    """Describe recordings in the outbox for programs."""
    records = {record.id: record for record in desk.store.records.some([item.record for item in items])}
    for item in items:
        if record := records.get(item.record):
            yield {
                "id": record.id,
                "session_id": record.session_id,
                "title": record.title,
                "state": item.state,
                "sent_bytes": item.sent_bytes,
                "size_bytes": record.size_bytes,
                "error": item.error,
                "error_code": item.error_code,
                "server_status": item.server_status,
                "server_progress": item.server_progress,
                "server_error": item.server_error,
                "sent_at": iso(item.sent_at),
                "received_at": iso(item.received_at),
                "audio_deleted_at": iso(item.audio_deleted_at),
            }
