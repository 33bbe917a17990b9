"""What programs and pages call, a module for each noun."""

from __future__ import annotations

from offhook.web.api import about
from offhook.web.call import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (*about.ENDPOINTS,)
