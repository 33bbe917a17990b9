"""Words that were heard on channels of their own: both sides by time, and their labels."""

from __future__ import annotations

from collections.abc import Iterable

from shared.loudness import SideLevels
from shared.speakers import CHANNELS, ME, THEM, Label, voice
from shared.words import Segment
from transcribe_worker.speakers.echoes import without_echoes

#: A word of a channel is rarely somebody else's: of an echo that was not found, of crosstalk.
PROBABILITY = 0.97


def merged(segments: Iterable[Segment], levels: SideLevels | None = None) -> list[Segment]:
    """Return the segments of both channels by their starts, without words that both have of one side.

    `levels` are those of the two channels. Segments of one channel are in order already.
    """
    found = list(segments)
    own = without_echoes(found, levels) if levels else found
    return sorted(own, key=lambda segment: segment.start_ms)


def labels(segments: Iterable[Segment], *, is_capture: bool) -> list[Label]:
    """Return a label for each segment with words; the channels of a capture are known, others are voices."""
    speakers = (ME, THEM) if is_capture else (voice(1), voice(2))
    return [
        Label(first, first + len(segment.words) - 1, speakers[segment.channel], CHANNELS, PROBABILITY)
        for segment in segments
        if segment.words and segment.channel is not None and (first := segment.first_word) is not None
    ]
