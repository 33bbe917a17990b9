"""The simple ways to name speakers, which others are compared with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from shared.loudness import SideLevels, dbfs
from shared.speakers import LOUDNESS, ME, THEM, VOICES, Label, VoiceTurn, voice
from shared.words import MS_PER_SECOND, Segment


def louder_a_second(segments: Iterable[Segment], levels: SideLevels) -> list[Label]:
    """Label each word by the side that is louder in the second of its middle."""
    return [
        Label(number, number, _louder(levels, second * MS_PER_SECOND, (second + 1) * MS_PER_SECOND), LOUDNESS)
        for number, start_ms, end_ms in _words(segments)
        if (second := (start_ms + end_ms) // 2 // MS_PER_SECOND) >= 0
    ]


def louder_a_segment(segments: Iterable[Segment], levels: SideLevels) -> list[Label]:
    """Label each segment by the side that is louder during it."""
    return [
        Label(*_numbers(segment), _louder(levels, segment.start_ms, segment.end_ms), LOUDNESS)
        for segment in segments
        if segment.words
    ]


def channels_as_they_are(segments: Iterable[Segment]) -> list[Label]:
    """Label each segment by its channel."""
    return [
        Label(*_numbers(segment), (ME, THEM)[segment.channel], LOUDNESS)
        for segment in segments
        if segment.words and segment.channel is not None
    ]


def one_voice(segments: Iterable[Segment]) -> list[Label]:
    """Label all words as those of one voice."""
    return [Label(*_numbers(segment), voice(1), VOICES) for segment in segments if segment.words]


def voice_a_segment(segments: Iterable[Segment], turns: Sequence[VoiceTurn]) -> list[Label]:
    """Label each segment by the voice that speaks longest during it."""
    found = []
    for segment in segments:
        spoken: Counter[int] = Counter()
        for turn in turns:
            both = min(turn.end_ms, segment.end_ms) - max(turn.start_ms, segment.start_ms)
            spoken[turn.voice] += max(0, both)
        if segment.words and spoken.total():
            found.append(Label(*_numbers(segment), voice(spoken.most_common(1)[0][0]), VOICES))
    return found


def _louder(levels: SideLevels, start_ms: int, end_ms: int) -> str:
    ticks = slice(*(round(time * levels.ticks_per_second / MS_PER_SECOND) for time in (start_ms, end_ms)))
    near, far = (_power(side[ticks]) for side in (levels.microphone, levels.loopback))
    return ME if near > far else THEM


def _power(ticks: bytes) -> float:
    return math.fsum(10 ** (dbfs(tick) / 10) for tick in ticks)


def _words(segments: Iterable[Segment]) -> Iterator[tuple[int, int, int]]:
    for segment in segments:
        for number, word in enumerate(segment.words, start=segment.first_word or 0):
            yield number, word.start_ms, word.end_ms


def _numbers(segment: Segment) -> tuple[int, int]:
    first = segment.first_word or 0
    return first, first + len(segment.words) - 1
