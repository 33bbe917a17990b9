"""Counts loops in a transcript: a phrase that stands three or more times in a row, and was not said so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.comparing import compared
from transcribe_worker.recognition.loops import find_loops

_WORD = re.compile(r"\w+(?:['’]\w+)*")


def loops(text: str, reference: str = "") -> list[str]:
    """Return the phrases of 1 to 40 words that are repeated in a text, without those of the reference."""
    said = {_alike(loop.phrase) for loop in find_loops(_words(reference))}
    return [" ".join(loop.phrase) for loop in find_loops(_words(text)) if _alike(loop.phrase) not in said]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _alike(phrase: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a phrase with its numbers as words."""
    return tuple(word for each in phrase for word in compared(each))
