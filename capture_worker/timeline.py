"""Places the blocks of two sound cards on one 16 kHz timeline: pure numpy and soxr, no device and no file.

Each sound card counts by its own clock, and neither clock is the computer's. Concatenated, two hours of
both sides drift apart by up to a second. A loopback gives no data while nothing plays, so it would shift by
every silence. Each block is therefore placed by the time at which it arrived. Blocks arrive late by chance
and never early, so the lower envelope of their lateness shows the device's clock against the computer's.
`track.py` does this for one side.
"""

from __future__ import annotations

import math

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.samples import RATE_HZ, Mono, Pair
from capture_worker.track import Track

#: Audio older than this is final and can be written.
FINAL_SECONDS = 0.5
#: The longest stretch returned at once: a machine may wake up after a night.
LARGEST_PIECE_SECONDS = 60.0


class Timeline:
    """Both sides of a call from `origin_seconds` on, by the clock that stamps the blocks."""

    def __init__(self, origin_seconds: float) -> None:
        self._origin = origin_seconds
        self._frames = 0
        self.tracks = {side: Track(origin_seconds) for side in SIDES}

    @property
    def seconds(self) -> float:
        """The length of the audio returned so far."""
        return self._frames / RATE_HZ

    @property
    def is_measuring(self) -> bool:
        """Whether a run's start is being measured; more frequent reads measure it better."""
        return any(track.is_measuring for track in self.tracks.values())

    def add(self, side: str, arrived_seconds: float, samples: Mono, rate_hz: int) -> None:
        """Place samples of shape (frames,), the last of which had arrived by `arrived_seconds`."""
        self.tracks[side].add(arrived_seconds, samples, rate_hz)

    def ready(self, now_seconds: float) -> Pair:
        """Return the audio that has become final since the last call, 60 s at most."""
        for track in self.tracks.values():
            track.note_silence(now_seconds)
        final = self._frame(now_seconds - FINAL_SECONDS)
        return self._take(math.floor(min(final, *(track.final_frame for track in self.tracks.values()))))

    def finish(self, now_seconds: float) -> Pair:
        """Return the rest up to `now_seconds`, 60 s at most; call this until it returns nothing.

        Later audio is dropped.
        """
        for track in self.tracks.values():
            track.end_at(self._frame(now_seconds))
        return self._take(self._frame(now_seconds))

    def _frame(self, moment_seconds: float) -> int:
        return round((moment_seconds - self._origin) * RATE_HZ)

    def _take(self, end: int) -> Pair:
        frames = min(max(0, end - self._frames), round(LARGEST_PIECE_SECONDS * RATE_HZ))
        self._frames += frames
        taken = {side: track.take(frames) for side, track in self.tracks.items()}
        return Pair(taken[MICROPHONE], taken[LOOPBACK])
