"""Measures of offhook as a person meets it: real processes, real files, medians over many."""

from shared.privacy import stop_telemetry

stop_telemetry()
