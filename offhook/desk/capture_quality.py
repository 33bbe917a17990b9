"""How well a call was captured, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Why a recording ended, where a person did not end it.
REASONS = {
    "longest_recording": "it had become as long as `longest_recording_minutes` allows",
    "silence": "both sides were silent for `stop_after_silence_minutes`",
    "disk_full": "the disk was full",
    "recovered": "its recorder was killed; what it had heard until then was repaired",
}
#: Less drift than this is what any two clocks have.
NOTABLE_DRIFT_PPM = 200.0


def in_words(verdict: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what there is to say: a heading and a sentence each."""
    try:
        return list(_in_words(verdict))
    except (AttributeError, LookupError, TypeError, ValueError):  # somebody else has written it
        return [("Capture", "what is stored of its quality is damaged")]


def _in_words(verdict: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for side, found in verdict.get("sides", {}).items():
        yield side.capitalize(), _side(side, found)
    if verdict["reason"] != "asked":
        yield "Ended", REASONS.get(verdict["reason"], f"an error ended it ({verdict['reason']})")


def _side(side: str, found: dict[str, Any]) -> str:
    if not found["devices"]:
        return "not recorded"
    devices = ", then ".join(f"{d['name']} ({d['rate_hz'] / 1000:g} kHz)" for d in found["devices"])
    return "; ".join([devices, *_remarks(side, found)])


def _remarks(side: str, found: dict[str, Any]) -> Iterator[str]:
    if found["device_losses"]:
        yield f"lost {_times(found['device_losses'])}"
    if found["gaps"] and side == "microphone":
        yield f"{found['lost_ms'] / 1000:.1f} s missing in {found['gaps']} {_gaps(found['gaps'])}"
    elif not found["device_losses"]:
        yield "nothing missing"
    if found["doubled_ms"]:
        yield f"{found['doubled_ms']} ms came twice or too late"
    if abs(found["drift_ppm"]) >= NOTABLE_DRIFT_PPM:
        yield f"its clock was {found['drift_ppm']:+.0f} ppm off, which was corrected"
    if found["clipped_frames"]:
        yield f"{found['clipped_frames'] / 16:.0f} ms too loud (clipped)"
    yield f"{found['silence_share']:.0%} silence"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _gaps(count: int) -> str:
    return "gap" if count == 1 else "gaps"
