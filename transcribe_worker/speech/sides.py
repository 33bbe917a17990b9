"""Decides whether two channels are two sides of a call, by how loud each is: numpy, 16 kHz.

Each channel of a call has one side, so now one channel leads clearly and now the other. In a copy, a room
recorded in stereo or music, both channels have the same sounds at similar levels, or one leads all the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from transcribe_worker.speech.energy import without_rumble
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

Pair = NDArray[np.float32]
Powers = NDArray[np.float64]

#: Channels are compared in parts of 0.5 s: a copy that is 0.2 s late leads in few of them.
PART = SAMPLE_RATE_HZ // 2
#: What is known so far is looked at after so many parts (30 s), and each time after half as many more.
FIRST_LOOK, NEXT_LOOK = 60, 1.5
#: One channel leads where it is this much louder than the other, each above its own noise.
LEADS_DB = 8.0
#: An echo or a level may favour one channel. Where the differences span this much they are measured from the
#: middle between the two sides, which is moved by so much at most.
TWO_SIDED_SPAN_DB, FARTHEST_MIDDLE_DB = 20.0, 10.0
SPAN_PERCENTILES = (5, 95)
#: A part is active if it is this much above the noise of both channels, and within this range of the loud
#: parts, and above -60 dBFS.
OVER_THE_NOISE, RANGE, QUIETEST = 10**0.6, 10**-3.5, 1e-6
NOISE_PERCENTILE, LOUD_PERCENTILE = 10, 95
#: The noise of a channel is at most this share of the loud parts of both: short recordings have no pauses.
MOST_NOISE = 10**-1.5
#: Channels with a digital silence have noise of at least this: -80 dBFS.
LEAST_NOISE = 1e-8
#: Two sides: one of the channels leads in this share of the active parts, and each in this share and in so
#: many parts.
CLEAR_SHARE, LEAST_SHARE, LEAST_PARTS = 0.5, 0.004, 1
#: The share, if the differences are measured from another middle than 0.
CLEAR_SHARE_OFF_MIDDLE = 0.7
#: One channel has nothing of its own if the other leads in this share, and it in fewer parts than above.
ALONE_SHARE = 0.8
#: The answer before the end: two sides after so many parts of each, one after so many active parts with so
#: small a share.
SURE_PARTS, SURE_SHARE, SURELY_ONE_PARTS, SURELY_ONE_SHARE = 10, 0.7, 1200, 0.2


class Sides(Enum):
    """What the channels of a recording are."""

    ONE = "one"  # one channel, or several with the same sounds: they are mixed
    LEFT = "left"  # the right channel has nothing of its own
    RIGHT = "right"
    BOTH = "both"  # two sides, each decoded on its own


def sides(pairs: Iterable[Pair]) -> Sides:
    """Return what the two channels of a recording are; reads no further than needed. Blocks: (2, frames)."""
    known: list[Powers] = []
    look = FIRST_LOOK
    for power in _powers(pairs):
        known.append(power)
        if len(known) == look:
            look = round(look * NEXT_LOOK)
            if found := _Leads(np.array(known).T).surely:
                return found
    return _Leads(np.array(known).T).in_all if known else Sides.ONE


def _powers(pairs: Iterable[Pair]) -> Iterable[Powers]:
    """Yield the mean square of both channels in each part, without rumble."""
    waiting = np.empty((2, 0), np.float32)
    for pair in pairs:
        waiting = np.concatenate([waiting, pair], axis=1)
        while waiting.shape[1] >= PART:
            yield _power(waiting[:, :PART])
            waiting = waiting[:, PART:]
    if waiting.shape[1] > PART // 2:
        yield _power(waiting)


def _power(part: Pair) -> Powers:
    return np.array([np.mean(np.square(without_rumble(channel), dtype=np.float64)) for channel in part])


class _Leads:
    """How often each channel leads; `powers` is of shape (2, parts)."""

    def __init__(self, powers: Powers) -> None:
        loud = np.percentile(powers, LOUD_PERCENTILE, axis=1, keepdims=True)
        noise = np.percentile(powers, NOISE_PERCENTILE, axis=1, keepdims=True)
        noise = np.maximum(np.minimum(noise, loud.max() * MOST_NOISE), LEAST_NOISE)
        enough = np.maximum(loud.max() * RANGE, QUIETEST)
        active = ((powers > noise * OVER_THE_NOISE) & (powers > enough)).any(axis=0)
        left, right = 10 * np.log10(np.maximum(powers - noise, noise)[:, active])
        self._difference_db = left - right
        self.active = max(1, int(active.sum()))
        middle_db = _middle_db(self._difference_db)
        self.left, self.right = self._leads(middle_db)
        self._clear_share = CLEAR_SHARE_OFF_MIDDLE if abs(middle_db) > LEADS_DB / 2 else CLEAR_SHARE

    @property
    def surely(self) -> Sides | None:
        """What the channels are, None if the rest of the recording may change it."""
        if min(self.left, self.right) >= SURE_PARTS and self.share >= SURE_SHARE:
            return Sides.BOTH
        return Sides.ONE if self.active >= SURELY_ONE_PARTS and self.share < SURELY_ONE_SHARE else None

    @property
    def in_all(self) -> Sides:
        """What the channels are, after the whole recording."""
        least = max(LEAST_PARTS, LEAST_SHARE * self.active)
        if min(self.left, self.right) >= least:
            return Sides.BOTH if self.share >= self._clear_share else Sides.ONE
        left, right = self._leads(0.0)
        if min(left, right) >= least or left + right < ALONE_SHARE * self.active:
            return Sides.ONE
        return Sides.LEFT if left > right else Sides.RIGHT

    @property
    def share(self) -> float:
        """The share of the active parts in which one channel leads."""
        return (self.left + self.right) / self.active

    def _leads(self, middle_db: float) -> tuple[int, int]:
        ahead = self._difference_db - middle_db
        return int((ahead > LEADS_DB).sum()), int((ahead < -LEADS_DB).sum())


def _middle_db(difference_db: Powers) -> float:
    """Return the difference between the two sides' differences, 0 where there is one side."""
    if not len(difference_db):
        return 0.0
    low, high = np.percentile(difference_db, SPAN_PERCENTILES)
    middle = float(np.clip((low + high) / 2, -FARTHEST_MIDDLE_DB, FARTHEST_MIDDLE_DB))
    return middle if high - low >= TWO_SIDED_SPAN_DB else 0.0
