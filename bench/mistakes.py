"""Counts wrong words after OpenAI's English normaliser.

For it `eight` and `8` are equal, and so are `mister` and `Mr.`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jiwer
from whisper_normalizer.english import EnglishTextNormalizer


@dataclass(frozen=True)
class Mistakes:
    """Wrong words, and the number of words in the reference."""

    words: int = 0
    deleted: int = 0
    inserted: int = 0
    substituted: int = 0

    @property
    def wrong(self) -> int:
        """The number of missing, added and wrong words."""
        return self.deleted + self.inserted + self.substituted

    @property
    def rate(self) -> float:
        """The word error rate; the number of wrong words if there are none in the reference."""
        return self.wrong / max(1, self.words)


def mistakes(reference: str, hypothesis: str) -> Mistakes:
    """Count wrong, missing and added words."""
    plain = EnglishTextNormalizer()
    return between(plain(reference).split(), plain(hypothesis).split())


def between(reference: Sequence[str], hypothesis: Sequence[str]) -> Mistakes:
    """Count wrong, missing and added words of two lists."""
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return Mistakes(len(reference), found.deletions, found.insertions, found.substitutions)


def total(each: Iterable[Mistakes]) -> Mistakes:
    """Return the sums of mistakes."""
    several = list(each)
    return Mistakes(
        sum(it.words for it in several),
        sum(it.deleted for it in several),
        sum(it.inserted for it in several),
        sum(it.substituted for it in several),
    )


def equal_words(reference: Sequence[str], hypothesis: Sequence[str]) -> dict[int, int]:
    """Return the words of the hypothesis that are right: their positions, and those in the reference."""
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return {
        chunk.hyp_start_idx + at: chunk.ref_start_idx + at
        for chunk in found.alignments[0]
        if chunk.type == "equal"
        for at in range(chunk.hyp_end_idx - chunk.hyp_start_idx)
    }
