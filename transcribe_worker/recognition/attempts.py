"""Attempts at the text of a piece: which is the best, and what of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from shared.words import Segment, Word, milliseconds
from transcribe_worker.recognition.checks import LOOPS, Outcome, is_no_speech
from transcribe_worker.recognition.pieces import Draft, Piece
from transcribe_worker.speech.stretches import Window
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

#: A shorter one cannot be read in a subtitle or heard; the model places some words in no time at all.
SHORTEST_SEGMENT_MS = 20


@dataclass(frozen=True)
class Attempt:
    """The text of a piece, and the reasons to doubt it."""

    piece: Piece
    outcome: Outcome
    segments: list[Draft]
    rest: list[Piece]  # the part after the last sentence, if it is to be decoded
    reasons: list[str]
    is_confirmed: bool = False  # another try has written the same loops

    @property
    def loops(self) -> bool:
        """Whether the text had loops that no other try has written."""
        return LOOPS in self.reasons and not self.is_confirmed

    @property
    def is_in_doubt(self) -> bool:
        """Whether there is speech in it, and a reason to doubt the text that another try may remove."""
        others = any(reason != LOOPS for reason in self.reasons)
        return (self.loops or others) and self.piece.has_speech and not is_no_speech(self.outcome)


def better(one: Attempt, other: Attempt) -> Attempt:
    """Return the attempt without loops, with fewer reasons to doubt it, or the more probable one."""
    return min(one, other, key=_dubious)


def kept(attempt: Attempt) -> list[tuple[int, Segment]]:
    """Return `(window_offset_samples, segment)` for the segments worth keeping; times are absolute, 1 ms.

    None is kept where the model and speech detection, or two figures of the model, agree that nobody speaks.
    """
    it, window = attempt.outcome, attempt.piece.window
    if is_no_speech(it) or (attempt.reasons and not attempt.piece.has_speech):
        return []
    offset = (window.start + attempt.piece.offset) / SAMPLE_RATE_HZ
    latest = window.end / SAMPLE_RATE_HZ

    def at_ms(seconds: float) -> int:
        return milliseconds(min(offset + seconds, latest))

    return [
        (
            attempt.piece.at(draft["stamps"][0]),
            Segment(
                at_ms(draft["start"]),
                at_ms(draft["end"]),
                draft["text"].strip(),
                tuple(
                    Word(
                        at_ms(word["start"]),
                        at_ms(word["end"]),
                        word["word"],
                        round(float(word["probability"]), 4),
                    )
                    for word in draft["words"] or ()
                ),
                round(it.average_log_probability, 4),
                round(it.no_speech_probability, 4),
                round(it.compression_ratio, 3),
                tuple(attempt.reasons),
            ),
        )
        for draft in attempt.segments
        if any(map(str.isalnum, draft["text"]))  # a full stop alone says nothing
    ]


def in_order(placed: Sequence[tuple[int, Segment]], window: Window) -> tuple[Segment, ...]:
    """Return the segments by their offset in the window; none overlaps, is empty or has words outside of it.

    Words before a gap that was decoded again may have been placed inside the gap, and the model may place the
    first word of a sentence before the last of another.
    """
    segments = [segment for _, segment in sorted(placed, key=itemgetter(0))]
    earliest_ms, latest_ms = (milliseconds(at / SAMPLE_RATE_HZ) for at in (window.start, window.end))
    least_ms = min(SHORTEST_SEGMENT_MS, (latest_ms - earliest_ms) // max(1, len(segments)))
    for at in range(len(segments) - 1, -1, -1):
        end_ms = min(segments[at].end_ms, latest_ms)
        start_ms = min(max(segments[at].start_ms, earliest_ms + at * least_ms), latest_ms - least_ms)
        segments[at] = _within(segments[at], start_ms, max(end_ms, start_ms + least_ms))
        latest_ms = start_ms
    return tuple(segments)


def _within(segment: Segment, start_ms: int, end_ms: int) -> Segment:
    """Return a segment with other times, and its words one after another within them."""
    words, earliest_ms = [], start_ms
    for word in segment.words:
        word_start_ms = min(max(word.start_ms, earliest_ms), end_ms)
        earliest_ms = min(max(word.end_ms, word_start_ms), end_ms)
        words.append(replace(word, start_ms=word_start_ms, end_ms=earliest_ms))
    return replace(segment, start_ms=start_ms, end_ms=end_ms, words=tuple(words))


def _dubious(attempt: Attempt) -> tuple[bool, int, float]:
    return attempt.loops, len(attempt.reasons), -attempt.outcome.average_log_probability
