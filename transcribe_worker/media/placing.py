"""Places samples by the container's time stamps; silence fills the gaps.

Stamps are in seconds. They may be missing, run backwards or be absurd. So a jump counts only if the next
stamp continues from it, and the amount of silence is limited.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from transcribe_worker.media.flags import DAMAGED_AUDIO, GAPS_FILLED, TIMES_WRONG, Flags
from transcribe_worker.media.samples import Channels

#: The first stamp may be off by this much, by the samples that an encoder inserts.
INEXACT_START_SECONDS = 0.1
#: Other stamps may be off by this much: they are rounded to 1 ms, or come from a clock during recording.
INEXACT_SECONDS = 0.06
#: Total silence above which the recording is flagged.
FLAGGED_SECONDS = 0.25
#: A clock drifts if the samples slowly exceed the time that their stamps leave; more than this is a fault.
LARGEST_DRIFT_SECONDS = 0.5
LONGEST_GAP_SECONDS = 3_600.0
#: The most silence in all: this much plus this multiple of the sound so far.
MOST_SILENCE_SECONDS = 3_600.0
MOST_SILENCE_SHARE = 3.0
SILENCE_PIECE_SECONDS = 0.5
REMEMBERED_SHIFTS = 4


class Piece(NamedTuple):
    """Decoded sound of shape (channels, frames); its stamp is None if it has none."""

    samples: Channels
    rate_hz: int
    stamp_seconds: float | None

    @property
    def seconds(self) -> float:
        """The length of the sound."""
        return float(self.samples.shape[1] / self.rate_hz)


class Timeline:
    """The position of the next sample; `silence_before` returns the silence before a piece.

    A shift is the position of a sample minus its stamp. Stamps that jump back or absurdly far get a new
    shift; the old one applies again when a stamp fits it. `origin_seconds` is the stamp of position 0, None
    for the first stamp.
    """

    def __init__(self, flags: Flags, origin_seconds: float | None = 0.0, *, is_gapless: bool = False) -> None:
        self.position_seconds = 0.0
        self._flags = flags
        self._is_gapless = is_gapless  # its stamps count samples, so a gap is a loss
        self._shifts = deque(() if origin_seconds is None else (-origin_seconds,), REMEMBERED_SHIFTS)
        self._silence_seconds = 0.0
        self._expected: float | None = None  # the stamp that continues from the last one

    def silence_before(self, stamp: float | None, seconds: float, following: float | None) -> float:
        """Return the seconds of silence before a piece of `seconds`; `following` is the next stamp."""
        if stamp is None:
            return 0.0
        is_first, expected = self._expected is None, self._expected
        self._expected = stamp + seconds
        if not self._shifts:
            self._shift_to(stamp)
        if self._fits(stamp, INEXACT_START_SECONDS if is_first else INEXACT_SECONDS):
            if is_first:
                self._shift_to(stamp)
            return 0.0
        late = stamp + self._shifts[0] - self.position_seconds
        goes_on = expected is not None and abs(stamp - expected) <= INEXACT_START_SECONDS
        if goes_on and -LARGEST_DRIFT_SECONDS <= late <= 0:
            return 0.0
        is_confirmed = following is None or abs(following - self._expected) <= INEXACT_SECONDS
        if late > 0 and is_confirmed and self._is_allowed(late):
            return self._filled(late)
        self._flags.note(TIMES_WRONG)
        if is_confirmed and not goes_on:
            self._shift_to(stamp)
        return 0.0

    def passed(self, seconds: float) -> None:
        """Advance by this much sound or silence."""
        self.position_seconds += seconds

    def _fits(self, stamp: float, tolerance: float) -> bool:
        for shift in self._shifts:
            if abs(stamp + shift - self.position_seconds) <= tolerance:
                self._remember(shift)
                return True
        return False

    def _shift_to(self, stamp: float) -> None:
        """Map this stamp, and those that continue from it, to the current position."""
        self._remember(self.position_seconds - stamp)

    def _remember(self, shift: float) -> None:
        if shift in self._shifts:
            self._shifts.remove(shift)
        self._shifts.appendleft(shift)

    def _is_allowed(self, seconds: float) -> bool:
        sound = self.position_seconds - self._silence_seconds
        most = MOST_SILENCE_SECONDS + MOST_SILENCE_SHARE * sound
        return seconds <= LONGEST_GAP_SECONDS and self._silence_seconds + seconds <= most

    def _filled(self, seconds: float) -> float:
        self._silence_seconds += seconds
        if self._is_gapless:
            self._flags.note(DAMAGED_AUDIO)
        elif self._silence_seconds > FLAGGED_SECONDS and DAMAGED_AUDIO not in self._flags:
            self._flags.note(GAPS_FILLED)
        return seconds


def placed(pieces: Iterable[Piece], timeline: Timeline) -> Iterator[tuple[Channels, int]]:
    """Yield samples and their rates, with silence where the stamps have a gap."""
    for piece, following in pairwise(chain(pieces, (None,))):
        assert piece
        stamp_after = following.stamp_seconds if following else None
        silence = timeline.silence_before(piece.stamp_seconds, piece.seconds, stamp_after)
        for samples in chain(_silence(silence, piece), (piece.samples,)):
            timeline.passed(samples.shape[1] / piece.rate_hz)
            yield samples, piece.rate_hz


def _silence(seconds: float, like: Piece) -> Iterator[Channels]:
    left = round(seconds * like.rate_hz)
    while left > 0:
        frames = min(left, round(SILENCE_PIECE_SECONDS * like.rate_hz))
        yield np.zeros((len(like.samples), frames), np.float32)
        left -= frames
