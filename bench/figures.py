"""Figures as they are printed: medians and what nearly all stay below."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def percentiles(values: Sequence[float]) -> str:
    """Return median, 95th percentile and maximum of some milliseconds."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return f"p50 {cuts[49]:7.1f}   p95 {cuts[94]:7.1f}   max {max(values):7.1f}"
