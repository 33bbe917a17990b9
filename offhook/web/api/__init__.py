"""What programs and pages call, a module for each noun."""

from __future__ import annotations

from offhook.web.api import about, passages
from offhook.web.call import Endpoint
from offhook.web.openapi import described

ENDPOINTS: tuple[Endpoint, ...] = described(
    (
        *about.ENDPOINTS,
        *passages.ENDPOINTS,
    )
)
