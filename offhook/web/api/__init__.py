"""What programs and pages call, a module for each noun."""

from __future__ import annotations

from offhook.web.api import (
    about,
    audio,
    edits,
    exports,
    hooks,
    live,
    notes,
    passages,
    queue,
    recorder,
    records,
    search,
    speakers,
    team,
    transcriptions,
    uploads,
    waveform,
)
from offhook.web.call import Endpoint
from offhook.web.events import ENDPOINTS as EVENTS
from offhook.web.openapi import described

ENDPOINTS: tuple[Endpoint, ...] = described(
    (
        *about.ENDPOINTS,
        *audio.ENDPOINTS,
        *records.ENDPOINTS,
        *queue.ENDPOINTS,
        *passages.ENDPOINTS,
        *speakers.ENDPOINTS,
        *edits.ENDPOINTS,
        *notes.ENDPOINTS,
        *exports.ENDPOINTS,
        *search.ENDPOINTS,
        *EVENTS,
        *hooks.ENDPOINTS,
        *uploads.ENDPOINTS,
        *waveform.ENDPOINTS,
        *recorder.ENDPOINTS,
        *live.ENDPOINTS,
        *transcriptions.ENDPOINTS,
        *team.ENDPOINTS,
    )
)
