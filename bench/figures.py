"""Formats figures: medians, percentiles, and the machine they were measured on."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Sequence


def percentiles(values: Sequence[float]) -> str:
    """Format the median, the 95th percentile and the maximum of milliseconds."""
    return f"p50 {percentile(values, 50):7.1f}   p95 {percentile(values, 95):7.1f}   max {max(values):7.1f}"


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def machine() -> str:
    """Describe this machine."""
    parts = [f"{platform.system()} {platform.machine()}", f"{os.cpu_count()} cores"]
    if hasattr(os, "sysconf"):  # not on Windows
        parts.append(f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB")
    return ", ".join((*parts, f"Python {platform.python_version()}"))


def table(head: Sequence[object], rows: Iterable[Iterable[object]]) -> str:
    """Format rows as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"
