"""Names that Windows keeps for devices, with any ending."""

from __future__ import annotations

import re

WINDOWS_DEVICES = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)")
