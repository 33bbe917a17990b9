"""How the live transcription of a call goes, for programs and people."""

from __future__ import annotations

import logging
from typing import Any

from shared.errors import StoreError
from shared.logs import discreet
from shared.settings import Settings
from shared.store.live import OFF, LiveCall
from shared.store.store import Store
from shared.store.values import Capture

log = logging.getLogger(__name__)

State = dict[str, Any]
_SWITCHED_OFF: State = {
    "state": OFF,
    "why": "switched off",
    "behind_seconds": 0.0,
    "final_seconds": 0.0,
    "heard_seconds": 0.0,
    "yields": None,
}


class LiveState:
    """The live transcription of the calls of one home, as the state of a session shows it."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._live, self._is_usual = store.live, settings.live

    def of(self, session_id: str | None, running: Capture | None) -> State | None:
        """Describe that of a call; None if there is none, or the database cannot be read now.

        `running` is the call if it is being recorded.
        """
        if running and not running.is_live(self._is_usual):
            return dict(_SWITCHED_OFF)
        try:
            found = self._live.find(session_id) if session_id else None
        except StoreError as error:
            log.debug("the live transcription cannot be looked up now: %s", discreet(error))
            return None
        return described(found)


def described(call: LiveCall | None) -> State | None:
    """Return it for JSON."""
    if call is None:
        return None
    return {
        "state": call.state,
        "why": call.why,
        "behind_seconds": round(call.behind_seconds, 1),
        "final_seconds": round(call.final_seconds, 2),
        "heard_seconds": round(call.heard_seconds, 2),
        "yields": call.yields,
    }
