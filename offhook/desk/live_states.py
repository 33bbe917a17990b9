"""Says in a sentence how the text of a running call comes: how far behind it is, or why there is none."""

from __future__ import annotations

from offhook.desk.calls import INTERRUPTED, LATE, STOPPED
from offhook.desk.live_calls import YIELDS
from shared.store.captures import RECORDING
from shared.store.live import OFF, LiveCall

ENDED_CALLS = {
    STOPPED: "The call has ended. It waits on the page of the recorder for somebody to say whose it is.",
    LATE: "The call has ended. Its text is being finished.",
    INTERRUPTED: "The recording was interrupted. It is kept, and queued when the capture worker runs.",
}
MOVED = "The call has ended. Its text is on the page of its recording."
SWITCHED_OFF = "Live text is switched off. "
IN_THE_SETTINGS = "Switch it on with live = true in config.toml, or for one call on the page of the recorder."
FOR_THIS_CALL = "It was switched off for this call; the page of the recorder has the switch for the next one."
NO_WORKER = "No transcription worker runs, so no text comes. To start one, type python start.py."
FOLLOWS = "Text follows the call by about 3 seconds."
BEGINS = "Text begins soon: a worker loads its model."
AFTER_THE_CALL = "The call is transcribed after it has ended."


def says(state: str, call: LiveCall | None, *, wanted: bool, chosen: bool, has_worker: bool) -> str:
    """Return the sentence.

    `state` is that of the capture. `wanted`: live text is on for this call, `chosen`: it was chosen when the
    recording was started. `has_worker`: a worker could decode it.
    """
    if state != RECORDING:
        return ENDED_CALLS.get(state, ENDED_CALLS[LATE])
    if not wanted:
        return SWITCHED_OFF + (FOR_THIS_CALL if chosen else IN_THE_SETTINGS)
    if call and call.state == OFF:
        return f"Live text is off. {call.why or ''} {AFTER_THE_CALL}"
    if not has_worker:
        return NO_WORKER
    return _how(call) if call and call.token else BEGINS


def _how(call: LiveCall) -> str:
    behind = f"{call.behind_seconds:.0f} s behind." if call.behind_seconds else ""
    if call.yields:
        return f"Text waits: {YIELDS.get(call.yields, call.yields)}. {behind}".strip()
    return f"{behind} The rest is transcribed after the call." if behind else FOLLOWS
