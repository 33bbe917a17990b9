"""The waveform of a recording."""

from __future__ import annotations

from typing import Annotated

import msgspec

from offhook.desk import waveform
from offhook.web.call import Call, Endpoint

MOST_COLUMNS = 8_000
#: A week.
LATEST_MS = 604_800_000

Moment = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]


class Part(msgspec.Struct):
    """The part of the recording that is drawn, the whole by default, and in how many columns."""

    from_ms: Moment = 0
    to_ms: Moment | None = None
    width: Annotated[int, msgspec.Meta(ge=1, le=MOST_COLUMNS)] = 1_200


class Waveform(msgspec.Struct):
    """The peak of each column for each side, from 0 (-127.5 dBFS) to 255 (0 dBFS) in half decibels.

    While the recording is read it is not `ready`: the peaks that are known so far come, and `progress`.
    """

    sides: list[str]
    peaks: list[list[int]]
    ready: bool
    progress: float
    why: str | None


def get(call: Call) -> Waveform:
    """Return the waveform of a part of a recording."""
    record = call.desk.store.records.get(call.record_id)
    part: Part = call.query
    found = waveform.drawn(call.desk, record, part.from_ms, part.to_ms, part.width)
    return msgspec.convert(found, Waveform, from_attributes=True)


def again(call: Call) -> None:
    """Read a recording whose peaks could not be read before."""
    call.desk.preparing.start("peaks", call.desk.store.records.get(call.record_id), again=True)


def cancel(call: Call) -> None:
    """Stop reading a recording for its waveform."""
    call.desk.preparing.cancel("peaks", call.desk.store.records.get(call.record_id))


_PATH = "/api/v1/records/{record_id}/waveform"
ENDPOINTS = (
    Endpoint("GET", _PATH, get, "The waveform of a part of a recording", query=Part, answer=Waveform),
    Endpoint("POST", _PATH, again, "Read a recording again whose waveform could not be read"),
    Endpoint("DELETE", _PATH, cancel, "Stop reading a recording for its waveform"),
)
