"""Tells several people of the far side of a captured call apart, by their voices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from shared.speakers import ME, THEM, UNSURE, Label, far_voice
from shared.words import Segment

#: A voice that says less than this of the far side, and for less time, may be a person's other voice.
LEAST_SHARE, LEAST_MS = 0.05, 5_000


def told_apart(
    segments: Iterable[Segment], by_side: Sequence[Label], by_voice: Sequence[Label]
) -> list[Label]:
    """Return the labels of the sides, with `them 1` and `them 2` for words of two or more far voices.

    Both kinds of labels cover all words of the segments, in order. A far word whose voice is nobody's of the
    far side stays with `them`.
    """
    lengths = [word.end_ms - word.start_ms for segment in segments for word in segment.words]
    voices = _each_word(by_voice, len(lengths))
    sides = _each_word(by_side, len(lengths))
    people = _people(sides, voices, lengths)
    if len(people) < 2:
        return list(by_side)
    return list(_runs(_with_person(side, voice, people) for side, voice in zip(sides, voices, strict=True)))


def _each_word(labels: Iterable[Label], words: int) -> list[Label]:
    """Return the label of each word."""
    found = [Label(0, words - 1, UNSURE, "", 0.0)] * words
    for label in labels:
        end = min(words, label.last_word + 1)
        found[label.first_word : end] = [label] * (end - label.first_word)
    return found


def _people(sides: Sequence[Label], voices: Sequence[Label], lengths: Sequence[int]) -> dict[str, str]:
    """Return the speaker for each voice of the far side, in the order in which they first speak."""
    said: defaultdict[str, dict[str, int]] = defaultdict(lambda: {ME: 0, THEM: 0})
    for side, voice, length in zip(sides, voices, lengths, strict=True):
        if voice.speaker != UNSURE and side.speaker != UNSURE:
            said[voice.speaker][side.speaker] += length
    least = max(LEAST_MS, LEAST_SHARE * sum(each[THEM] for each in said.values()))
    far = [voice for voice, each in said.items() if each[THEM] >= least and each[THEM] > each[ME]]
    return {voice: far_voice(number) for number, voice in enumerate(far, 1)}


def _with_person(side: Label, voice: Label, people: dict[str, str]) -> Label:
    if side.speaker != THEM or voice.speaker not in people:
        return side
    probability = round((side.probability or 0.0) * (voice.probability or 0.0), 2)
    return replace(side, speaker=people[voice.speaker], probability=probability)


def _runs(labels: Iterable[Label]) -> Iterator[Label]:
    """Return labels for runs of words with one speaker and probability, from those of each word."""
    first = 0
    for what, run in groupby(labels, key=lambda label: (label.speaker, label.source, label.probability)):
        end = first + sum(1 for _ in run)
        yield Label(first, end - 1, *what)
        first = end
