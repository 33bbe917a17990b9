"""Texts to words that can be compared: OpenAI's English normaliser, then each digit as a word.

`8` is `eight`, `0831` is `zero eight three one`, `12` is `one two` and `twelve`: a recording does not say how
its numbers are to be written.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from whisper_normalizer.english import EnglishTextNormalizer

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
#: The normaliser drops such a zero.
_LEADING_ZERO = re.compile(r"(?<![\d.,])0\d+")
#: `p.m.` without its full stops.
_HALF_OF_DAY = re.compile(r"\b([ap]) m\b")


@lru_cache(maxsize=10_000)
def compared(text: str) -> tuple[str, ...]:
    """Return the words of a text, in lower case, without punctuation, each digit of a number as a word."""
    plain = _normaliser()(_LEADING_ZERO.sub(_in_words, text))
    plain = re.sub(r"(?<=\d)\.(?=\d)", " point ", plain)
    return tuple(_HALF_OF_DAY.sub(r"\1m", _in_words(plain)).split())


def _in_words(text: str | re.Match[str]) -> str:
    """Write each digit of a text as a word."""
    found = text if isinstance(text, str) else text[0]
    return re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", found)


@cache
def _normaliser() -> EnglishTextNormalizer:
    return EnglishTextNormalizer()
