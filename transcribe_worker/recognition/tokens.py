"""Whisper's output as tokens: sentences between time stamps. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SECONDS_PER_STAMP = 0.02
#: Faster than anybody speaks.
MOST_TOKENS_PER_SECOND = 10.0


@dataclass(frozen=True)
class Said:
    """The tokens of a sentence or so, with its times in seconds from the window's start."""

    start_seconds: float
    end_seconds: float
    tokens: list[int]


def split(tokens: Sequence[int], first_stamp: int, seconds: float) -> tuple[list[Said], Said | None]:
    """Split the tokens of a window of `seconds` into sentences, and one that was cut off at the end.

    A sentence that was cut off has no stamp after it; it is better decoded again from its start.
    """
    said: list[Said] = []
    start, open_tokens = 0.0, list[int]()
    for token in tokens:
        if token < first_stamp:
            open_tokens.append(token)
            continue
        stamp = min((token - first_stamp) * SECONDS_PER_STAMP, seconds)
        if open_tokens:
            said.append(Said(start, max(start, stamp), open_tokens))
            open_tokens = []
        start = stamp
    return said, Said(start, seconds, open_tokens) if open_tokens else None


def without_echoes(said: Sequence[Said]) -> list[Said]:
    """Leave out a repeated sentence if its time is too short to say it."""
    kept: list[Said] = []
    for part in said:
        is_again = bool(kept) and kept[-1].tokens == part.tokens
        too_fast = len(part.tokens) > MOST_TOKENS_PER_SECOND * (part.end_seconds - part.start_seconds)
        if not (is_again and too_fast):
            kept.append(part)
    return kept


def without_padding(said: Sequence[Said], seconds: float) -> list[Said]:
    """Leave out what begins where the sound of a window ends: the model has made it up in the padding."""
    return [part for part in said if part.start_seconds < seconds]
