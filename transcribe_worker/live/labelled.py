"""The words of a running call for showing: each with its speaker, by how loud both sides are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.loudness import SideLevels
from shared.reading import speakers
from shared.speakers import UNSURE, Label
from shared.store.live import LiveWord
from shared.store.store import Store
from shared.words import MS_PER_SECOND, Segment, numbered
from transcribe_worker.speakers.labelling import Evidence, labels

MS_PER_MINUTE = 60 * MS_PER_SECOND
#: The noise and the echo of both sides are found in this many minutes before the words, and in the one after.
MINUTES_BEFORE = 3


def words(
    store: Store, session_id: str, segments: Sequence[Segment], *, is_final: bool
) -> list[list[LiveWord]]:
    """Return the words of each segment. A word that is later than the known levels has no speaker yet."""
    if not segments:
        return []
    first = max(0, segments[0].start_ms // MS_PER_MINUTE - MINUTES_BEFORE)
    end = segments[-1].end_ms // MS_PER_MINUTE + 2
    levels = store.captures.levels(session_id, first_minute=first, end_minute=end)
    begin_ms = first * MS_PER_MINUTE
    known_ms = begin_ms + (_length_ms(levels) if segments[0].channel is None else 10**12)
    moved = numbered(_moved(it, -begin_ms) for it in segments)
    spoken = labels(moved, Evidence(is_capture=True, levels=levels))
    over = iter(speakers(spoken, sum(len(it.words) for it in segments)))
    found = []
    for segment in segments:
        said = []
        for word, label in zip(segment.words, over, strict=False):
            speaker = _known(label) if word.end_ms <= known_ms else None
            said.append(LiveWord(word.start_ms, word.end_ms, word.text, speaker, is_final))
        found.append(said or [LiveWord(segment.start_ms, segment.end_ms, segment.text, None, is_final)])
    return found


def _known(label: Label | None) -> str | None:
    return label.speaker if label and label.speaker != UNSURE else None


def _length_ms(levels: SideLevels | None) -> int:
    return len(levels.microphone) * MS_PER_SECOND // levels.ticks_per_second if levels else 0


def _moved(segment: Segment, by_ms: int) -> Segment:
    """Return a segment at another time."""
    said = tuple(
        replace(word, start_ms=word.start_ms + by_ms, end_ms=word.end_ms + by_ms) for word in segment.words
    )
    return replace(segment, start_ms=segment.start_ms + by_ms, end_ms=segment.end_ms + by_ms, words=said)
