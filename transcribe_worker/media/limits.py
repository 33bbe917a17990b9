"""The limits of one recording: file size, length and decoding time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from shared.errors import TooLarge, TooLong, TooSlow
from shared.settings import DEFAULTS, GB, Settings

SECONDS_PER_HOUR = 3_600
#: Decoding time allowed before `slowest_decoding` applies.
GRACE_SECONDS = 30.0
#: A longer step counts as this long: the machine slept, or its disk or network stalled.
LONGEST_STEP_SECONDS = 10.0
#: A header's length is wrong if it leaves fewer bits a second than this; every codec needs more.
FEWEST_BITS_PER_SECOND = 500

Block = TypeVar("Block")


@dataclass(frozen=True)
class RecordingLimits:
    """The limits of one recording; each has the name of its setting."""

    largest_file_gb: float = DEFAULTS.largest_file_gb
    longest_hours: float = DEFAULTS.longest_hours
    slowest_decoding: float = DEFAULTS.slowest_decoding
    grace_seconds: float = GRACE_SECONDS

    @classmethod
    def of(cls, settings: Settings) -> RecordingLimits:
        """Return the limits in the settings."""
        return cls(settings.largest_file_gb, settings.longest_hours, settings.slowest_decoding)

    @property
    def longest_seconds(self) -> float:
        """The longest recording in seconds."""
        return self.longest_hours * SECONDS_PER_HOUR

    def allows(self, size_bytes: int) -> bool:
        """Whether a file may have this many bytes."""
        return size_bytes <= self.largest_file_gb * GB

    def check_size(self, name: str, size_bytes: int) -> None:
        """Raise TooLarge for a file over `largest_file_gb`."""
        if not self.allows(size_bytes):
            raise TooLarge(
                f"{name} has {size_bytes / GB:,.5g} GB, and largest_file_gb allows {self.largest_file_gb:g}. "
                "Raise largest_file_gb, or cut the recording into pieces."
            )

    def check_claim(self, name: str, seconds: float | None, size_bytes: int) -> None:
        """Raise TooLong for a header's length over `longest_hours`, if the file is large enough for it."""
        if seconds and size_bytes * 8 >= seconds * FEWEST_BITS_PER_SECOND:
            self.check_length(name, seconds)

    def check_length(self, name: str, seconds: float) -> None:
        """Raise TooLong for audio over `longest_hours`."""
        if seconds > self.longest_seconds:
            hours = seconds / SECONDS_PER_HOUR
            raise TooLong(
                f"{name} is {hours:,.3g} hours long or longer, and longest_hours allows "
                f"{self.longest_hours:g}. Raise longest_hours, or cut the recording into pieces."
            )

    def check_pace(self, name: str, spent_seconds: float, heard_seconds: float) -> None:
        """Raise TooSlow for a decoding time over `slowest_decoding` for `heard_seconds` of audio."""
        if spent_seconds > self.grace_seconds + self.slowest_decoding * heard_seconds:
            raise TooSlow(
                f"{name} took {spent_seconds:,.0f} s to decode for {heard_seconds:,.0f} s of audio, and "
                f"slowest_decoding allows {self.slowest_decoding:g} s for each. Raise slowest_decoding, or "
                "convert the recording to WAV."
            )


class Meter:
    """Counts decoded audio and decoding time; raises when one exceeds its limit."""

    def __init__(
        self,
        name: str,
        limits: RecordingLimits,
        rate_hz: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._limits, self._rate_hz, self._monotonic = name, limits, rate_hz, monotonic
        self._frames = 0
        self._spent_seconds = 0.0
        self._looked = monotonic()

    def measured(self, blocks: Iterator[Block], length: Callable[[Block], int]) -> Iterator[Block]:
        """Yield the blocks; the caller's time is not counted. Raises TooLong, TooSlow."""
        self._looked = self._monotonic()
        for block in blocks:
            self._frames += length(block)
            self.look()
            self._limits.check_length(self._name, self._heard_seconds)
            yield block
            self._looked = self._monotonic()

    def look(self) -> None:
        """Check the decoding time while no audio comes. Raises TooSlow."""
        now = self._monotonic()
        self._spent_seconds += min(now - self._looked, LONGEST_STEP_SECONDS)
        self._looked = now
        self._limits.check_pace(self._name, self._spent_seconds, self._heard_seconds)

    @property
    def _heard_seconds(self) -> float:
        return self._frames / self._rate_hz
