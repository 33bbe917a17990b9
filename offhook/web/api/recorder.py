"""The recorder: start, stop, discard, attach, the devices, and how it goes."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from offhook.desk import recording
from offhook.desk.recorder_view import recorder_view, view_of
from offhook.web.api.recorder_answers import Attached, Devices, Discarded, Recorder, RecordingOutcome
from offhook.web.call import BadCall, Call, Endpoint, Stream
from offhook.web.recorder_stream import recorder_stream
from offhook.web.server_events import MEDIA_TYPE
from offhook.web.work import LONG

SIDES = ("microphone", "loopback")
#: The capture worker plays a file in the place of a device: for tests on its own machine, not over HTTP.
REPLAY = "replay:"
Text = Annotated[str, msgspec.Meta(max_length=500)]


class RecordingStart(msgspec.Struct, forbid_unknown_fields=True):
    """What a recording is about, and what stands in for the settings in it; all of it may be missing."""

    title: Text | None = None
    candidate_id: Text | None = None
    project_id: Text | None = None
    microphone: Text | None = None
    loopback: Text | None = None
    layout: Text | None = None
    live: bool | None = None


class MeantRecording(msgspec.Struct, forbid_unknown_fields=True):
    """The recording that is meant; without it, the one that runs or waits."""

    session_id: Text | None = None


class Attachment(msgspec.Struct, forbid_unknown_fields=True):
    """Whose a call is; one that waits is queued, also without both."""

    session_id: Text
    candidate_id: Text | None = None
    project_id: Text | None = None


def show(call: Call) -> dict[str, Any]:
    """Say what is recorded, what to mind, and which calls wait."""
    return recorder_view(call.desk)


def start(call: Call) -> dict[str, Any]:
    """Start to record."""
    wanted: RecordingStart = call.body
    asked = msgspec.structs.asdict(wanted)
    texts = {name: value.strip() or None for name, value in asked.items() if isinstance(value, str)}
    if any((texts.get(side) or "").startswith(REPLAY) for side in SIDES):
        raise BadCall("A file is not a device.")
    return view_of(call.desk, recording.start(call.desk, **texts, live=wanted.live))


def stop(call: Call) -> dict[str, Any]:
    """Stop, and return what became of the recording."""
    return recording.stop(call.desk, call.body.session_id)


def discard(call: Call) -> dict[str, Any]:
    """Delete the recording that runs or waits."""
    return recording.discard(call.desk, call.body.session_id)


def attach(call: Call) -> dict[str, Any]:
    """Set whose a call is, and queue it if it waited for that."""
    given: Attachment = call.body
    return recording.attach(call.desk, given.session_id, given.candidate_id or None, given.project_id or None)


def devices(call: Call) -> dict[str, Any]:
    """List the devices, and those that would be recorded."""
    return recording.devices(call.desk)


ENDPOINTS = (
    Endpoint("GET", "/api/v1/recorder", show, "What is recorded, and what waits", answer=Recorder, kind=LONG),
    Endpoint("GET", "/api/v1/recorder/devices", devices, "What can be recorded", answer=Devices, kind=LONG),
    Endpoint(
        "POST",
        "/api/v1/recorder/start",
        start,
        "Start to record",
        body=RecordingStart,
        answer=Recorder,
        kind=LONG,
    ),
    Endpoint(
        "POST",
        "/api/v1/recorder/stop",
        stop,
        "Stop the recording",
        body=MeantRecording,
        answer=RecordingOutcome,
        kind=LONG,
    ),
    Endpoint(
        "POST",
        "/api/v1/recorder/discard",
        discard,
        "Delete the recording",
        body=MeantRecording,
        answer=Discarded,
        kind=LONG,
    ),
    Endpoint(
        "POST",
        "/api/v1/recorder/attach",
        attach,
        "Set whose it is",
        body=Attachment,
        answer=Attached,
        kind=LONG,
    ),
    Stream(
        "GET",
        "/api/v1/recorder/events",
        recorder_stream,
        "States of the recorder, and levels ten times a second",
        media=(MEDIA_TYPE,),
    ),
)
