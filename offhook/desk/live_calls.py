"""Calls that are transcribed while they are recorded, for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from offhook.desk.desk import Desk
from offhook.desk.lengths import length
from shared.store.live import OFF

#: Why nothing is decoded now.
YIELDS = {
    "paused": "the queue is paused",
    "capture_late": "recording needs the machine",
    "disk_late": "the disk is slow",
    "battery_low": "the battery is low",
    "hot": "the machine is hot",
}
#: A live transcription that is behind by less keeps up.
NOTABLE_SECONDS = 1.0


def live_calls(desk: Desk) -> list[dict[str, Any]]:
    """Describe the calls that workers transcribe live now, and whether queued recordings wait for them."""
    found = []
    for call in desk.store.live.held():
        capture = desk.store.captures.find(call.session_id)
        found.append(
            {
                "session_id": call.session_id,
                "title": capture.title if capture else "",
                "state": call.state,
                "heard_seconds": round(call.heard_seconds, 1),
                "behind_seconds": round(call.behind_seconds, 1),
                "yields": call.yields,
                "worker_id": call.worker_id,
                "queue_waits": desk.settings.live_queue == "wait",
            }
        )
    return found


def in_words(live: Mapping[str, Any]) -> str | None:
    """Say what there is to mind of a live transcription, None if it goes well."""
    if live["state"] == OFF:
        return f"not transcribed live: {live['why'] or 'it was given up'}"
    behind = behind_in_words(live["behind_seconds"])
    if not live["yields"]:
        return behind
    waits = f"the text waits: {YIELDS.get(live['yields'], live['yields'])}"
    return f"{waits}; {behind}" if behind else waits


def behind_in_words(seconds: float) -> str | None:
    """Say by how much a live transcription is behind, None if it keeps up."""
    if seconds < NOTABLE_SECONDS:
        return None
    return f"behind by {seconds:.0f} s" if seconds < 100 else f"behind by {length(seconds)}"
