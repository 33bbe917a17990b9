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
#: A few words that are to fill a long window are made up. Counted in letters, as not every language puts
#: spaces between its words; Chinese has the fewest, four in a second.
FEWEST_LETTERS_PER_SECOND = 1.5
SHORTEST_FOR_LETTERS_SECONDS = 5.0
LARGEST_NO_SPEECH_PROBABILITY = 0.6
#: Above this probability of no speech and below that log probability of the text, nobody speaks. What was
#: written of noise, keys, tones and music had 0.75 and -0.85 or worse, or 0.47 and -0.92 or 0.44 and -1.09
#: (ring tones); faint speech had 0.38 and -0.43 at the worst.
NO_SPEECH = ((0.6, -0.5), (0.4, -0.75), (0.3, -1.0))
#: How much of the speech at the end of a window may stay without words.
LONGEST_SILENT_END_SECONDS = 3.0


@dataclass(frozen=True)
class Outcome:
    """What became of a window of `seconds` length."""

    text: str
    seconds: float
    written_seconds: float  # up to where the last words go
    covered_seconds: float  # as far as it need not be decoded again
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


def _too_slow(it: Outcome) -> bool:
    letters = sum(map(str.isalnum, it.text))
    is_long = it.written_seconds > SHORTEST_FOR_LETTERS_SECONDS
    return is_long and letters < FEWEST_LETTERS_PER_SECOND * it.written_seconds


#: Why a window is in doubt.
CHECKS: dict[str, Callable[[Outcome], bool]] = {
    "repeats_itself": lambda it: it.compression_ratio > LARGEST_COMPRESSION_RATIO,
    "improbable": lambda it: it.average_log_probability < LEAST_LOG_PROBABILITY,
    "no_speech": lambda it: bool(it.text) and it.no_speech_probability > LARGEST_NO_SPEECH_PROBABILITY,
    "too_fast": _too_fast,
    "too_slow": _too_slow,
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
