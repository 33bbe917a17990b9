"""Compares the probabilities of words with whether the words are right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.comparing import compared
from bench.mistakes import equal_words

#: Name and least probability of each band.
BANDS = {"0.9 or more": 0.9, "0.7 to 0.9": 0.7, "below 0.7": 0.0}


@dataclass(frozen=True)
class Judged:
    """A word of a transcript: its probability, and whether it is right."""

    probability: float
    is_right: bool


def judged(reference: str, words: Sequence[tuple[str, float]]) -> list[Judged]:
    """Judge the words of a transcript, `(text, probability)`, in their order.

    A number of several digits is right if all its digits are. Words without a counterpart in the comparison,
    such as `um`, are left out.
    """
    alone = [(number, plain) for number, (text, _) in enumerate(words) for plain in compared(text)]
    whole = compared("".join(text for text, _ in words))
    right = equal_words(compared(reference), whole)
    found: dict[int, bool] = {}
    for at, of in equal_words([plain for _, plain in alone], whole).items():
        number = alone[of][0]
        found[number] = found.get(number, True) and at in right
    return [Judged(words[number][1], is_right) for number, is_right in sorted(found.items())]


def by_band(each: Iterable[Judged]) -> dict[str, tuple[int, int]]:
    """Return the number of words in each band, and of those that are right."""
    counts = dict.fromkeys(BANDS, (0, 0))
    for word in each:
        band = next(name for name, least in BANDS.items() if word.probability >= least)
        words, right = counts[band]
        counts[band] = (words + 1, right + word.is_right)
    return counts
