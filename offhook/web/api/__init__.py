"""What programs and pages call, a module for each noun."""

from __future__ import annotations

from offhook.web.api import about, audio, passages, queue, records, uploads, waveform
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
        *EVENTS,
        *uploads.ENDPOINTS,
        *waveform.ENDPOINTS,
    )
)
