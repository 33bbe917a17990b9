"""The notices of a recording for a page: what to do about each, and which of them are over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

CONSENT = "consent"
#: What a person can do, by the code of a notice or of the error that ended a recording; empty: nothing.
REMEDIES = {
    "microphone_missing": "Plug a microphone in, or choose one before the next recording.",
    "loopback_missing": "Choose the output on which the call plays before the next recording.",
    "device_missing": "Plug it in: it is used as soon as it is there. Or choose another device next time.",
    "device_unusable": "Close other programs that use it, and look whether the system allows recording.",
    "device_lost": "Plug it in again. Until then this side is silent in the recording.",
    "device_opened": "",
    "loopback_silent": "If you hear the other side, stop, choose the output where it plays, and start again.",
    "disk_low": "Make room on the disk now. A recording stops when the disk is full.",
    "queued_later": "",
    CONSENT: "",
    "disk_full": "Make room on the disk, then start again. What was recorded is kept.",
    "error": "What was recorded is kept. Start again, and keep the message if it comes back.",
}
#: A notice of these codes concerns one side, and is over when that side has a device again.
_UNTIL_DEVICE = ("device_lost", "device_unusable")
#: After a recording, only how it ended is still of interest.
_AFTERWARDS = ("queued_later", "disk_full", "error")


def notices(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what to mind of a recording or of its end, each notice once, without the reminder of consent."""
    is_running = state["state"] == "recording"
    said = [it for it in state["warnings"] if it["code"] != CONSENT]
    minded = [(it["code"], it["message"]) for it in said if is_running or it["code"] in _AFTERWARDS]
    return [
        {
            "code": code,
            "message": message,
            "remedy": REMEDIES.get(code, ""),
            "times": times,
            "is_over": _is_over(code, message, state),
        }
        for (code, message), times in Counter(minded).items()
    ]


def consent(state: Mapping[str, Any]) -> str | None:
    """Return the reminder of consent of the running recording, None if it has none."""
    said = [each["message"] for each in state["warnings"] if each["code"] == CONSENT]
    return said[-1] if said and state["state"] == "recording" else None


def _is_over(code: str, message: str, state: Mapping[str, Any]) -> bool:
    if code == "device_opened":
        return True
    sides = [side for side in ("microphone", "loopback") if state[side]]
    if code in _UNTIL_DEVICE:
        return any(message.startswith(f"The {side} ") for side in sides)
    return code.removesuffix("_missing") in sides
