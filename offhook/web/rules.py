"""Which role each address needs in a team's home, and what the audit log calls its use: one table.

An address that is not in it is for admins, so one that is forgotten shows too little and not too much.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from archive.team_messages import PREFIX
from shared.store.people import ADMIN, LEAD, MEMBER


@dataclass(frozen=True)
class Rule:
    """The least role, and the action that is noted; "" is noted by what does it, or not at all."""

    role: str = ADMIN
    action: str = ""


_RECORD = "/api/v1/records/{record_id}"
_PASSAGE = f"{_RECORD}/passages/{{first_word}}"
_CALL = "/api/v1/calls/{session_id}"
_TEAM_CALL = f"{PREFIX}/calls/{{session_id}}"
_UPLOAD = "/api/v1/uploads/{upload_id}"
#: Role -> action -> addresses with their methods.
_TABLE: dict[str, dict[str, tuple[str, ...]]] = {
    MEMBER: {
        "": (
            "GET /",
            "GET /sign-in",
            "POST /sign-in",
            "GET /static/{version}/{name}",
            "GET /api/v1",
            "GET /api/v1/openapi.json",
            "GET /api/v1/events",
            "GET /api/v1/queue",
            "GET /api/v1/records",
            "GET /api/v1/records/order",
            "GET /api/v1/records/rows",
            "POST /api/v1/records",
            f"GET {_RECORD}/playback",
            f"POST {_RECORD}/playback",
            f"DELETE {_RECORD}/playback",
            f"GET {_RECORD}/transcript/outline",
            f"GET {_RECORD}/waveform",
            f"POST {_RECORD}/waveform",
            f"DELETE {_RECORD}/waveform",
            f"GET {_RECORD}/speakers",
            f"GET {_RECORD}/edits",
            f"POST {_RECORD}/replace",
            f"PUT {_PASSAGE}/draft",
            f"DELETE {_PASSAGE}/draft",
            "GET /api/v1/uploads",
            "POST /api/v1/uploads",
            "OPTIONS /api/v1/uploads",
            f"GET {_UPLOAD}",
            f"HEAD {_UPLOAD}",
            f"PATCH {_UPLOAD}",
            f"DELETE {_UPLOAD}",
            f"OPTIONS {_UPLOAD}",
            "GET /v1/models",
            "GET /v1/models/{model}",
            "POST /v1/audio/transcriptions",
            # Those of workstations: what they read of other people is noted by `offhook/web/api/team.py`.
            f"POST {PREFIX}/join",
            f"GET {PREFIX}/changes",
            f"GET {PREFIX}/search",
            f"PUT {_TEAM_CALL}",
            f"DELETE {_TEAM_CALL}",
            f"PATCH {_TEAM_CALL}/content",
            f"POST {_TEAM_CALL}/commit",
            f"GET {_TEAM_CALL}/transcript",
            f"GET {_TEAM_CALL}/audio",
        ),
        "read": (
            "GET /records/{record_id}",
            f"GET {_RECORD}",
            f"GET {_RECORD}/transcript",
            f"GET {_PASSAGE}/heard",
            f"GET {_RECORD}/notes",
        ),
        "add": ("POST /api/v1/queue/sample",),
        "audio": (f"GET {_RECORD}/audio",),
        "export": (f"GET {_RECORD}/export/{{format}}",),
        "search": ("GET /search", "GET /api/v1/search"),
        "edit": (
            f"PATCH {_RECORD}",
            f"PUT {_PASSAGE}",
            f"POST {_RECORD}/confirm",
            f"POST {_RECORD}/restore",
            f"POST {_RECORD}/undo",
            f"PUT {_RECORD}/speakers",
            f"POST {_RECORD}/speakers/assign",
            f"POST {_RECORD}/speakers/swap",
            f"POST {_RECORD}/notes",
            f"PATCH {_RECORD}/notes/{{note_id}}",
            f"DELETE {_RECORD}/notes/{{note_id}}",
        ),
        "retry": ("POST /api/v1/records/retry", "POST /api/v1/records/cancel"),
        "delete": ("POST /api/v1/records/delete",),
        "undelete": ("POST /api/v1/records/undelete",),
        "sign_out": ("DELETE /api/v1/session",),
    },
    LEAD: {
        "retry": ("POST /api/v1/records/move",),
        "queue": ("POST /api/v1/queue/pause", "POST /api/v1/queue/resume"),
        "edit": ("POST /api/v1/glossary",),
    },
    ADMIN: {
        "": (
            "GET /audit",
            "GET /people",
            "POST /people",
            "GET /recorder",
            "GET /calls/{session_id}",
            "GET /api/v1/recorder",
            "GET /api/v1/recorder/devices",
            "GET /api/v1/recorder/events",
            f"GET {_CALL}/live",
            f"GET {_CALL}/live/earlier",
            f"GET {_CALL}/live/events",
            f"GET {_CALL}/audio",
            "GET /api/v1/hooks",
            "GET /api/v1/hooks/{hook_id}",
        ),
        "record": tuple(f"POST /api/v1/recorder/{it}" for it in ("start", "stop", "discard", "attach")),
        "hooks": (
            "POST /api/v1/hooks",
            "DELETE /api/v1/hooks/{hook_id}",
            "POST /api/v1/hooks/{hook_id}/stop",
            "POST /api/v1/hooks/{hook_id}/start",
            "POST /api/v1/hooks/{hook_id}/test",
            "POST /api/v1/deliveries/{delivery_id}/redeliver",
            "POST /api/v1/deliveries/redeliver-failed",
        ),
    },
}
RULES = {
    address: Rule(role, action)
    for role, actions in _TABLE.items()
    for action, addresses in actions.items()
    for address in addresses
}
_KIND_OF_PARAMETER = re.compile(r":\w+}")


def rule_of(method: str, path: str) -> Rule:
    """Return the rule of a route; HEAD has that of GET where it has none of its own."""
    plain = _KIND_OF_PARAMETER.sub("}", path)
    found = RULES.get(f"{method} {plain}")
    if found is None and method == "HEAD":
        found = RULES.get(f"GET {plain}")
    return found or Rule()
