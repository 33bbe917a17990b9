"""The states of a recording in the outbox, and every way from one to another: a table.

`waiting`: the server has not been asked for it. `sending`: the server wants it. `sent`: the server has it,
and has confirmed its hash. `received`: its outcome is here, a transcript or why there is none. `refused`: the
server will never take it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WAITING, SENDING, SENT, RECEIVED, REFUSED = "waiting", "sending", "sent", "received", "refused"
OUTBOX_STATES = (WAITING, SENDING, SENT, RECEIVED, REFUSED)
#: The states in which something is still to be sent.
UNSENT = (WAITING, SENDING)

_NO_TROUBLE: Mapping[str, Any] = {"attempts": 0, "next_attempt_at": 0.0, "error_code": None, "error": None}


@dataclass(frozen=True)
class Step:
    """A change of state: from where, to where, and what else it always writes."""

    sources: tuple[str, ...]
    target: str
    writes: Mapping[str, Any] = field(default_factory=dict)


STEPS = {
    "begin": Step(UNSENT, SENDING),
    "advance": Step((SENDING,), SENDING, _NO_TROUBLE),
    "put_off": Step(UNSENT, WAITING),
    "start_over": Step(UNSENT, WAITING, {"sent_bytes": 0}),
    "take": Step(UNSENT, SENT, _NO_TROUBLE),
    "refuse": Step(UNSENT, REFUSED),
    "receive": Step((SENT, RECEIVED), RECEIVED),
    "ask_again": Step((RECEIVED, REFUSED), WAITING, {"sent_bytes": 0, **_NO_TROUBLE}),
    "forgotten": Step((SENT, RECEIVED), WAITING, {"sent_bytes": 0, "server_status": None}),
}
