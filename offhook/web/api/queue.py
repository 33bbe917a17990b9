"""The queue as a whole: paused or not, who works, what waits."""

from __future__ import annotations

from typing import Any

from offhook.desk import queueing
from offhook.desk.overview import overview
from offhook.web.call import Call, Endpoint


def get_queue(call: Call) -> dict[str, Any]:
    """Answer with what `offhook status --json` prints."""
    return overview(call.desk)


def pause(call: Call) -> None:
    """Let workers take no further recordings."""
    queueing.pause(call.desk)


def resume(call: Call) -> None:
    """Let workers take recordings again."""
    queueing.resume(call.desk)


ENDPOINTS = (
    Endpoint("GET", "/api/v1/queue", get_queue, "How the queue stands", answer=dict[str, Any]),
    Endpoint("POST", "/api/v1/queue/pause", pause, "Take no further recordings"),
    Endpoint("POST", "/api/v1/queue/resume", resume, "Take recordings again"),
)
