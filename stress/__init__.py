"""Stress: offhook's real processes under conditions worse than any workstation's."""

from shared.privacy import stop_telemetry

stop_telemetry()
