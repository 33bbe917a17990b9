"""Labels for the words of a transcript, from the best evidence that there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.loudness import SideLevels
from shared.speakers import Label, VoiceTurn
from shared.words import Segment
from transcribe_worker.speakers import by_channels, by_loudness, by_voices, far_voices


@dataclass(frozen=True)
class Evidence:
    """What is known of who spoke, besides the words.

    `levels` are those of a call that capture recorded; `turns` those of voices. `is_capture` says that the
    first channel is the microphone and the second the far side.
    """

    is_capture: bool = False
    levels: SideLevels | None = None
    turns: tuple[VoiceTurn, ...] = ()


def labels(segments: Sequence[Segment], evidence: Evidence) -> list[Label]:
    """Return who said which words of a whole transcript, whose segments are numbered."""
    if any(segment.channel is not None for segment in segments):
        return by_channels.labels(segments, is_capture=evidence.is_capture)
    by_voice = by_voices.labels(segments, evidence.turns)
    if evidence.levels is None:
        return by_voice
    by_side = by_loudness.labels(segments, evidence.levels)
    return far_voices.told_apart(segments, by_side, by_voice)
