"""Figures as they are printed: medians and what nearly all stay below, and what they were measured on."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence


def percentiles(values: Sequence[float]) -> str:
    """Return median, 95th percentile and maximum of some milliseconds."""
    return f"p50 {percentile(values, 50):7.1f}   p95 {percentile(values, 95):7.1f}   max {max(values):7.1f}"


def percentile(values: Sequence[float], percent: int) -> float:
    """Return what so many percent of some values, two at least, stay below."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def machine() -> str:
    """Say what this was measured on, as far as it matters."""
    parts = [f"{platform.system()} {platform.machine()}", f"{os.cpu_count()} cores"]
    if hasattr(os, "sysconf"):  # not on Windows
        parts.append(f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB")
    return ", ".join((*parts, f"Python {platform.python_version()}"))
