"""Flags name what is wrong with a recording that can still be read; `offhook show` explains each."""

from __future__ import annotations

HEADER_SIZE_MISSING = "header_size_missing"
HEADER_SIZE_STALE = "header_size_stale"
CUT_SHORT = "cut_short"
DAMAGED_AUDIO = "damaged_audio"
GAPS_FILLED = "gaps_filled"
TIMES_WRONG = "times_wrong"
TRACKS_MIXED = "tracks_mixed"
TRACK_LEFT_OUT = "track_left_out"
CHANNELS_OPPOSED = "channels_opposed"
SCALED_DOWN = "scaled_down"
RECORDINGS_JOINED = "recordings_joined"


class Flags:
    """The flags of one recording, each once, in the order in which they were noted."""

    def __init__(self, *flags: str) -> None:
        self._flags = dict.fromkeys(flags)

    def note(self, flag: str) -> None:
        """Add a flag."""
        self._flags.setdefault(flag)

    def __contains__(self, flag: str) -> bool:
        return flag in self._flags

    def __call__(self) -> tuple[str, ...]:
        return tuple(self._flags)
