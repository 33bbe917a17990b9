"""How long a recording is by now, by the size of its file."""

from __future__ import annotations

from pathlib import Path

from shared.recording_wav import HEADER_BYTES, RATE_HZ, SAMPLE_BYTES

CHANNELS = {"mono": 1, "split": 2}


def seconds_in(size_bytes: int, layout: str) -> float:
    """Return the seconds of audio in a file of this size."""
    return max(0, size_bytes - HEADER_BYTES) / (SAMPLE_BYTES * RATE_HZ * CHANNELS[layout])


def recorded_seconds(path: Path, layout: str) -> float:
    """Return the seconds of audio in the file of a running recording; 0 if it was handed over."""
    try:
        return seconds_in(path.stat().st_size, layout)
    except OSError:
        return 0.0
