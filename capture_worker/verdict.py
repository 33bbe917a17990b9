"""Judges how well a call was recorded: devices, gaps, drift, clipping and silence of each side."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from capture_worker.inputs import Input
from capture_worker.levels import Loudness
from capture_worker.samples import RATE_HZ
from capture_worker.track import Track


@dataclass(frozen=True)
class SideVerdict:
    """One side. `lost_ms`: a gap in the microphone is lost audio; a silent loopback gives no data at all."""

    devices: list[dict[str, Any]]  # name, rate_hz and channels of each, in the order they were used
    device_changes: int
    device_losses: int
    gaps: int
    lost_ms: int
    doubled_ms: int  # arrived twice, or too late to be placed
    drift_ppm: float  # how much faster the device's clock runs than the computer's
    clipped_frames: int
    silence_share: float


@dataclass(frozen=True)
class Verdict:
    """Both sides, and why the recording ended. `recovered`: its process was killed, and it was repaired."""

    duration_seconds: float
    layout: str
    reason: str
    recovered: bool
    sides: dict[str, SideVerdict]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def judge_side(input_: Input, track: Track, loudness: Loudness, clipped_frames: int) -> SideVerdict:
    """Return the verdict on one side, from the counts so far."""
    counts = track.counts
    return SideVerdict(
        devices=[{"name": d.name, "rate_hz": d.rate_hz, "channels": d.channels} for d in input_.devices],
        device_changes=max(0, len(input_.devices) - 1),
        device_losses=input_.losses,
        gaps=counts.gaps,
        lost_ms=round(counts.gap_frames / RATE_HZ * 1000),
        doubled_ms=round(counts.dropped_frames / RATE_HZ * 1000),
        drift_ppm=round(track.drift.ppm, 1),
        clipped_frames=clipped_frames,
        silence_share=round(loudness.silence_share(input_.side), 3),
    )
