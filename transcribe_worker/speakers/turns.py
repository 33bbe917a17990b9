"""Smooths over words: people speak in turns, which mostly end with a sentence or a pause."""

from __future__ import annotations

import math
from collections.abc import Sequence


def probabilities(evidence: Sequence[float], changes: Sequence[float]) -> list[float]:
    """Return the probability of the first of two speakers for each word.

    `evidence` has the log odds of the first speaker from each word alone, `changes` the log odds of a change
    of speaker after each word but the last. This is the forward-backward algorithm for two states (Rabiner,
    A tutorial on hidden Markov models, 1989), with odds as messages.
    """
    forward = _messages(evidence, changes)
    backward = _messages(evidence[::-1], changes[::-1])[::-1]
    return [
        _probability(before + own + after)
        for before, own, after in zip(forward, evidence, backward, strict=True)
    ]


def _messages(evidence: Sequence[float], changes: Sequence[float]) -> list[float]:
    """Return the log odds that all words before each word give to it."""
    found = [0.0] if evidence else []
    for own, change in zip(evidence, changes, strict=False):
        odds, changing = math.exp(found[-1] + own), math.exp(change)
        found.append(math.log((odds + changing) / (odds * changing + 1)))
    return found


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
