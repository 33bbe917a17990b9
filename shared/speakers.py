"""Who said which words: values that processes exchange and the database keeps.

A speaker is `me`, `them`, `them 2`, `voice 2` or `unsure`; people's names are given to these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ME, THEM, UNSURE = "me", "them", "unsure"
#: Where a label is from: the loudness of both sides, the channel of the word, voices, or a person.
LOUDNESS, CHANNELS, VOICES, PERSON = SOURCES = ("loudness", "channels", "voices", "person")


@dataclass(frozen=True, slots=True)
class Label:
    """Who said the words from `first_word` to `last_word` of a transcript, both included.

    `probability` is in [0, 1]; None for the label of a person.
    """

    first_word: int
    last_word: int
    speaker: str
    source: str
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class VoiceTurn:
    """A time in which one voice speaks; voices are counted from 1. Times in milliseconds."""

    start_ms: int
    end_ms: int
    voice: int
    probability: float


def known_in_order(speakers: Iterable[str]) -> list[str]:
    """Return speakers without those that are unsure: oneself first, then the far side, then by name."""
    known = (it for it in speakers if it != UNSURE)
    return sorted(known, key=lambda it: (it != ME, it != THEM, it))


def voice(number: int) -> str:
    """Return the speaker for a voice of a recording in which nobody is known."""
    return f"voice {number}"


def far_voice(number: int) -> str:
    """Return the speaker for one of several voices of the far side."""
    return f"{THEM} {number}"
