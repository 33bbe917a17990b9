"""Measurements of offhook with real processes and real files."""

from shared.privacy import stop_telemetry

stop_telemetry()
