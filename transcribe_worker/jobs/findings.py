"""What an engine finds of a recording besides its words: levels, peaks, voices, length and flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from shared.loudness import SideLevels
from shared.speakers import VoiceTurn
from shared.store.waveforms import Waveform
from transcribe_worker.engine.messages import Done, JobEvent, Levels, Peaks, Voices


class Findings:
    """Keeps these events until the recording is decoded, and has all of them then."""

    def __init__(self) -> None:
        self.voice_turns: tuple[VoiceTurn, ...] = ()
        self._levels: list[Levels] = []
        self._peaks: list[Peaks] = []
        self._done: Done | None = None
        self._takes: Mapping[type[JobEvent], Callable[[Any], None]] = {
            Levels: self._levels.append,
            Peaks: self._peaks.append,
            Voices: self._voices,
            Done: self._finish,
        }

    def note(self, event: JobEvent) -> None:
        """Keep an event, unless it is of another kind."""
        if take := self._takes.get(type(event)):
            take(event)

    @property
    def duration_seconds(self) -> float | None:
        """The length of the recording; None before all of it is decoded."""
        return self._done.duration_seconds if self._done else None

    def outcome(self, noticed: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the columns to write when the record completes; `noticed` are flags of earlier attempts."""
        if self._done is None:
            return {}
        flags = together(self._done.flags, noticed)
        return {"duration_seconds": self._done.duration_seconds, "flags": flags}

    @property
    def levels(self) -> SideLevels | None:
        """The levels of two channels that were decoded apart; None before all are there, or for one."""
        if not self._done or not self._levels:
            return None
        sides = zip(*((it.microphone, it.loopback, it.echo) for it in self._levels), strict=True)
        return SideLevels(self._levels[0].ticks_per_second, *(bytes.fromhex("".join(side)) for side in sides))

    def waveform(self, sha256: str | None) -> Waveform | None:
        """The peaks of the recording with this hash; None before all are there."""
        if not self._done or not self._peaks:
            return None
        sides = (bytes.fromhex("".join(side)) for side in zip(*(it.sides for it in self._peaks), strict=True))
        return Waveform(self._peaks[0].ticks_per_second, tuple(sides), sha256)

    def _voices(self, event: Voices) -> None:
        self.voice_turns = event.turns

    def _finish(self, event: Done) -> None:
        self._done = event


def together(*flags: tuple[str, ...]) -> tuple[str, ...]:
    """Return each flag once, in order."""
    return tuple(dict.fromkeys(chain.from_iterable(flags)))
