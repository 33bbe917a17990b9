"""Reasons to doubt the text of a window: pure functions. After OpenAI's Whisper and reports of its users."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from transcribe_worker.recognition.loops import Loop

#: The reason that text is in a loop; the others are named in CHECKS.
LOOPS = "repeats_itself"
LARGEST_COMPRESSION_RATIO = 2.4
LEAST_LOG_PROBABILITY = -1.0
MOST_WORDS_PER_SECOND = 7.0
#: A rate needs more words than these: a few may be spoken very fast.
FEWEST_WORDS_FOR_A_RATE = 8
#: A few words for a long window are made up by the model. Counted in letters, because some languages have no
#: spaces between words; Chinese has the fewest letters, four a second.
FEWEST_LETTERS_PER_SECOND = 1.5
SHORTEST_FOR_LETTERS_SECONDS = 5.0
LARGEST_NO_SPEECH_PROBABILITY = 0.6
#: Nobody speaks above the first probability of no speech together with a log probability of the text below
#: the second. Text of noise, keys, tones and music had 0.75 and -0.85 or worse, or 0.47 and -0.92 or 0.44 and
#: -1.09 (ring tones); faint speech had 0.38 and -0.43 at worst.
NO_SPEECH = ((0.6, -0.5), (0.4, -0.75), (0.3, -1.0))
#: In a window of a word or two. The first pair is Whisper's own. A spoken digit had up to 0.83 and -0.97,
#: music 0.91 and -0.78.
NO_SPEECH_IN_A_WORD = ((0.6, -1.0), (0.9, -0.7))
#: A word of up to 0.6 s with the 0.3 s around it that speech detection adds.
ONE_WORD_SECONDS = 1.25
#: Seconds of speech at the end of a window that may have no words.
LONGEST_SILENT_END_SECONDS = 3.0


@dataclass(frozen=True)
class Outcome:
    """The text of a window of `seconds` length, and the model's figures for it."""

    text: str
    seconds: float
    written_seconds: float  # end of the last words
    covered_seconds: float  # up to here it is not decoded again
    average_log_probability: float
    no_speech_probability: float
    loops: tuple[Loop, ...] = ()

    @property
    def compression_ratio(self) -> float:
        """Size of the text by its compressed size: repeated text compresses well; speech stays below 2."""
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


#: Reasons to doubt a window, with their checks.
CHECKS: dict[str, Callable[[Outcome], bool]] = {
    LOOPS: lambda it: bool(it.loops) or it.compression_ratio > LARGEST_COMPRESSION_RATIO,
    "improbable": lambda it: it.average_log_probability < LEAST_LOG_PROBABILITY,
    "no_speech": lambda it: bool(it.text) and it.no_speech_probability > LARGEST_NO_SPEECH_PROBABILITY,
    "too_fast": _too_fast,
    "too_slow": _too_slow,
    "ends_early": lambda it: it.covered_seconds < it.seconds - LONGEST_SILENT_END_SECONDS,
}


def is_no_speech(outcome: Outcome) -> bool:
    """Whether there is no speech, so that the text is invented; a single word needs stronger signs."""
    is_word = outcome.seconds <= ONE_WORD_SECONDS
    return any(
        outcome.no_speech_probability > unlikely and outcome.average_log_probability < improbable
        for unlikely, improbable in (NO_SPEECH_IN_A_WORD if is_word else NO_SPEECH)
    )


def confirms(outcome: Outcome, earlier: Outcome) -> bool:
    """Whether two tries have the same loops, so that they were said: "no, no, no".

    Text that compresses as only the model's own loops do is never confirmed.
    """
    one, other = ([(loop.phrase, loop.times) for loop in it.loops] for it in (outcome, earlier))
    return bool(one) and one == other and outcome.compression_ratio <= LARGEST_COMPRESSION_RATIO


def doubts(outcome: Outcome) -> list[str]:
    """Return the reasons to doubt the text of a window."""
    return [reason for reason, applies in CHECKS.items() if applies(outcome)]
