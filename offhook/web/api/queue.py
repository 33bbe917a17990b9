"""The queue as a whole: paused or not, who works, what waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import offhook
from offhook.desk import queueing
from offhook.desk.adding import add_file
from offhook.desk.listing import row_of
from offhook.desk.overview import overview
from offhook.web.api.rows import Queue, Row
from offhook.web.call import Call, Endpoint
from offhook.web.work import STORAGE

SAMPLE = Path(offhook.__file__).parent / "sample" / "sample-call.wav"


def get_queue(call: Call) -> dict[str, Any]:
    """Answer with what `offhook status --json` prints."""
    return overview(call.desk)


def add_sample(call: Call) -> dict[str, Any]:
    """Queue the call that comes with offhook, as a first try; answer with its row."""
    added = add_file(call.desk, SAMPLE, {}, title="Sample call")
    return row_of(call.desk, added.record.id)


def pause(call: Call) -> None:
    """Let workers take no further recordings."""
    queueing.pause(call.desk)


def resume(call: Call) -> None:
    """Let workers take recordings again."""
    queueing.resume(call.desk)


ENDPOINTS = (
    Endpoint("GET", "/api/v1/queue", get_queue, "How the queue stands", answer=Queue),
    Endpoint("POST", "/api/v1/queue/sample", add_sample, "Queue the sample call", answer=Row, kind=STORAGE),
    Endpoint("POST", "/api/v1/queue/pause", pause, "Take no further recordings"),
    Endpoint("POST", "/api/v1/queue/resume", resume, "Take recordings again"),
)
