"""Server-sent events as they go over the wire. https://html.spec.whatwg.org/multipage/server-sent-events.html"""

from __future__ import annotations

from typing import Any

import msgspec

MEDIA_TYPE = "text/event-stream"
#: A comment is sent after this long without an event, so that both sides notice a lost connection.
QUIET_SECONDS = 15.0
STILL_HERE = b": still here\n\n"


def event(kind: str, data: Any, seq: int | None = None) -> bytes:
    """Return an event; a browser that connects again sends the last `seq` that it has seen."""
    number = b"" if seq is None else b"id: %d\n" % seq
    return b"event: %s\n%sdata: %s\n\n" % (kind.encode(), number, msgspec.json.encode(data))


def retry(after_ms: int) -> bytes:
    """Return what lets a browser connect again after a time, as when the server was restarted."""
    return b"retry: %d\n\n" % after_ms
