"""Counts wrong words after OpenAI's English normaliser.

For it `eight` and `8` are equal, and so are `mister` and `Mr.`.
"""

from __future__ import annotations

from dataclasses import dataclass

import jiwer
from whisper_normalizer.english import EnglishTextNormalizer


@dataclass(frozen=True)
class Mistakes:
    """Wrong words, and the number of words in the reference."""

    words: int
    deleted: int
    inserted: int
    substituted: int

    @property
    def rate(self) -> float:
        """The word error rate."""
        return (self.deleted + self.inserted + self.substituted) / self.words


def mistakes(reference: str, hypothesis: str) -> Mistakes:
    """Count wrong, missing and added words."""
    plain = EnglishTextNormalizer()
    found = jiwer.process_words(plain(reference), plain(hypothesis))
    words = found.hits + found.substitutions + found.deletions
    return Mistakes(words, found.deletions, found.insertions, found.substitutions)
