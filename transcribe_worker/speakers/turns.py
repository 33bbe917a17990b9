"""Smooths over words: people speak in turns, which mostly end with a sentence or a pause."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

#: Words that follow one another repeat what speaks for a speaker. This power of the odds keeps the
#: probabilities near 0.9 true, of calls that were not used to fit them too.
TRUST = 0.9


class Change(NamedTuple):
    """The log odds of a change of speaker after a word: to the first speaker, and to the second."""

    to_first: float
    to_second: float


def probabilities(evidence: Sequence[float], changes: Sequence[Change]) -> list[float]:
    """Return the probability of the first of two speakers for each word.

    `evidence` has the log odds of the first speaker from each word alone, `changes` those of a change after
    each word but the last. This is the forward-backward algorithm for two states (Rabiner, A tutorial on
    hidden Markov models, 1989), with odds as messages.
    """
    forward = _messages(evidence, changes)
    reverse = [Change(it.to_second, it.to_first) for it in reversed(changes)]
    backward = reversed(_messages(evidence[::-1], reverse))
    return [
        _probability(TRUST * (before + own + after))
        for before, own, after in zip(forward, evidence, backward, strict=True)
    ]


def _messages(evidence: Sequence[float], changes: Sequence[Change]) -> list[float]:
    """Return the log odds that all words before each word give to it."""
    found = [0.0] if evidence else []
    for own, (to_first, to_second) in zip(evidence, changes, strict=False):
        odds = math.exp(found[-1] + own)
        found.append(math.log((odds + math.exp(to_first)) / (odds * math.exp(to_second) + 1)))
    return found


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
