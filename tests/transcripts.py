"""Transcripts to write in tests: sentences whose words follow one another, and what is laid over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archive.transcript import Overlay, Transcript
from shared.reading import Correction
from shared.speakers import LOUDNESS, PERSON, Label
from shared.words import Segment, Word, numbered


def sentence(text: str, start_ms: int = 0, ms_per_word: int = 300, **facts: object) -> Segment:
    """A segment whose words take the same time each; each has the space before it, as engines write them."""
    parts = text.split()
    times = [start_ms + number * ms_per_word for number in range(len(parts) + 1)]
    words = tuple(Word(times[n], times[n + 1], f" {part}", 0.9) for n, part in enumerate(parts))
    return Segment(start_ms, times[-1], text, words, **facts)  # type: ignore[arg-type]


def transcript(
    *segments: Segment,
    labels: Iterable[Label] = (),
    names: Mapping[str, str] | None = None,
    corrections: Iterable[Correction] = (),
    **facts: object,
) -> Transcript:
    """The transcript of a call."""
    about: dict[str, object] = {
        "record_id": 7,
        "title": "Zoë, Łukasz & 李",
        "duration_seconds": 61.5,
        "language": "en",
        "language_probability": 0.98,
        "model": "tiny.en",
        "flags": ("cut_short",),
    }
    overlay = Overlay(tuple(labels), names or {}, tuple(corrections))
    known = {"overlay": overlay, "names": names or {}}
    return Transcript(segments=numbered(segments), **(about | known | facts))  # type: ignore[arg-type]


def said_by(speaker: str, first_word: int, last_word: int, probability: float | None = 0.9) -> Label:
    """A label of the machine."""
    return Label(first_word, last_word, speaker, LOUDNESS, probability)


def corrected(first_word: int, last_word: int, text: str) -> Correction:
    """A person's correction."""
    return Correction(first_word, last_word, text, PERSON, 1_700_000_000.0)
