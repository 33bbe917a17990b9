"""Doubts about what the model has written: pure, over one window. After OpenAI's Whisper and its users."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

LARGEST_COMPRESSION_RATIO = 2.4
LEAST_LOG_PROBABILITY = -1.0
MOST_WORDS_PER_SECOND = 7.0
#: A few words may be spoken in a breath; a rate needs more of them.
FEWEST_WORDS_FOR_A_RATE = 8
LARGEST_NO_SPEECH_PROBABILITY = 0.6
#: Above this probability of no speech and below that log probability of the text, nobody speaks. What was
#: written of noise, keys, tones and music had 0.75 and -0.85 or worse, or 0.44 and -1.09 (a ring tone); faint
#: speech had 0.38 and -0.43 at the worst.
NO_SPEECH = ((0.6, -0.5), (0.3, -1.0))
#: How much of the speech at the end of a window may stay without words.
LONGEST_SILENT_END_SECONDS = 3.0


@dataclass(frozen=True)
class Outcome:
    """What became of a window of `seconds` length."""

    text: str
    seconds: float
    covered_seconds: float  # up to where the last words go
    average_log_probability: float
    no_speech_probability: float

    @property
    def compression_ratio(self) -> float:
        """How often the text repeats itself; ordinary speech stays below 2."""
        plain = self.text.encode()
        return len(plain) / len(zlib.compress(plain)) if plain else 0.0

    @property
    def words(self) -> int:
        return len(self.text.split())


def _too_fast(it: Outcome) -> bool:
    return it.words > max(FEWEST_WORDS_FOR_A_RATE, MOST_WORDS_PER_SECOND * it.seconds)


#: Why a window is in doubt.
CHECKS: dict[str, Callable[[Outcome], bool]] = {
    "repeats_itself": lambda it: it.compression_ratio > LARGEST_COMPRESSION_RATIO,
    "improbable": lambda it: it.average_log_probability < LEAST_LOG_PROBABILITY,
    "no_speech": lambda it: bool(it.text) and it.no_speech_probability > LARGEST_NO_SPEECH_PROBABILITY,
    "too_fast": _too_fast,
    "ends_early": lambda it: it.covered_seconds < it.seconds - LONGEST_SILENT_END_SECONDS,
}


def is_no_speech(outcome: Outcome) -> bool:
    """Whether what was written stands for no speech at all."""
    return any(
        outcome.no_speech_probability > unlikely and outcome.average_log_probability < improbable
        for unlikely, improbable in NO_SPEECH
    )


def doubts(outcome: Outcome) -> list[str]:
    """The reasons to doubt what a window has become."""
    return [reason for reason, applies in CHECKS.items() if applies(outcome)]
