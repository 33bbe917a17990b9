"""Long runs of offhook's real processes: random kills, and damaged inputs."""

from shared.privacy import stop_telemetry

stop_telemetry()
