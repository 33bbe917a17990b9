"""Counts loops in a transcript: a phrase that stands three or more times in a row, and was not said so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bench.comparing import compared

LONGEST_PHRASE = 40
FEWEST_TIMES = 3
_WORD = re.compile(r"\w+(?:['’]\w+)*")


def loops(text: str, reference: str = "") -> list[str]:
    """Return the phrases of 1 to 40 words that are repeated in a text, without those of the reference."""
    said = {_alike(phrase) for phrase in repeated(_words(reference))}
    return [" ".join(phrase) for phrase in repeated(_words(text)) if _alike(phrase) not in said]


def repeated(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield each phrase that stands three or more times in a row, from left to right, the shortest first."""
    at = 0
    while at < len(words):
        for length in range(1, LONGEST_PHRASE + 1):
            times = _times(words, at, length)
            if times >= FEWEST_TIMES:
                yield tuple(words[at : at + length])
                at += length * times - 1
                break
        at += 1


def _times(words: Sequence[str], at: int, length: int) -> int:
    phrase, times = words[at : at + length], 1
    while len(phrase) == length and words[at + times * length : at + (times + 1) * length] == phrase:
        times += 1
    return times


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _alike(phrase: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a phrase with its numbers as words."""
    return tuple(word for each in phrase for word in compared(each))
