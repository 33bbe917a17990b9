"""Keeps the numbers of voices over transcripts of the same recording: names belong to numbers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from shared.speakers import Label, VoiceTurn, voice


def same_voices(before: Iterable[VoiceTurn], now: Iterable[VoiceTurn]) -> dict[int, int]:
    """Return which number each voice of a new transcript had in the one before, by the time they share.

    Voices are numbered in another order when they are found again. One that was not there before gets the
    next free number.
    """
    old, new = (sorted(turns, key=lambda turn: turn.start_ms) for turns in (before, now))
    shared_ms: Counter[tuple[int, int]] = Counter()
    for mine, other, common_ms in _common(new, old):
        shared_ms[mine.voice, other.voice] += common_ms
    found: dict[int, int] = {}
    for (voice_now, voice_before), _ in shared_ms.most_common():
        if voice_now not in found and voice_before not in found.values():
            found[voice_now] = voice_before
    free = (n for n in range(1, len(old) + len(new) + 1) if n not in found.values())
    return found | {n: next(free) for n in sorted({turn.voice for turn in new} - found.keys())}


def renumbered(
    labels: Iterable[Label], turns: Iterable[VoiceTurn], numbers: Mapping[int, int]
) -> tuple[list[Label], list[VoiceTurn]]:
    """Return labels and turns with other numbers of voices.

    Several people of the far side have numbers of their own, in the order in which they first speak.
    """
    speakers = {voice(old): voice(new) for old, new in numbers.items()}
    return (
        [replace(label, speaker=speakers.get(label.speaker, label.speaker)) for label in labels],
        [replace(turn, voice=numbers.get(turn.voice, turn.voice)) for turn in turns],
    )


def _common(new: list[VoiceTurn], old: list[VoiceTurn]) -> Iterator[tuple[VoiceTurn, VoiceTurn, int]]:
    """Yield the turns that share a time, with that time in milliseconds; both are sorted by their starts."""
    first = 0
    for mine in new:
        while first < len(old) and old[first].end_ms <= mine.start_ms:
            first += 1
        for other in islice(old, first, None):
            if other.start_ms >= mine.end_ms:
                break
            common_ms = min(mine.end_ms, other.end_ms) - max(mine.start_ms, other.start_ms)
            if common_ms > 0:
                yield mine, other, common_ms
