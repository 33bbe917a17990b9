"""How sure a difference between two ways is: the paired bootstrap over recordings.

After Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", 2004.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.mistakes import Mistakes

DRAWS, SEED = 10_000, 1
#: With fewer recordings the draws repeat one another.
FEWEST = 5


def interval(
    own: Sequence[Mistakes], other: Sequence[Mistakes], *, draws: int = DRAWS, seed: int = SEED
) -> tuple[float, float] | None:
    """Return the 95 % interval of the difference of two word error rates, own minus other, in points.

    Both lists have the same recordings in the same order. Returns None with fewer than five recordings.
    """
    if len(own) < FEWEST:
        return None
    more = np.array([mine.wrong - his.wrong for mine, his in zip(own, other, strict=True)])
    words = np.array([mine.words for mine in own])
    drawn = np.random.default_rng(seed).integers(len(own), size=(draws, len(own)))
    differences = 100 * more[drawn].sum(axis=1) / np.maximum(1, words[drawn].sum(axis=1))
    low, high = np.percentile(differences, (2.5, 97.5))
    return float(low), float(high)
