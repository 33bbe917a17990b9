"""Speech to decoding windows: pure functions over sample positions.

Whisper takes 30 s at a time, so several sentences in a window cost no more than one word. A window that ends
in the middle of a word loses that word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

SAMPLE_RATE_HZ = 16_000
LONGEST = 28 * SAMPLE_RATE_HZ
LARGEST_GAP = 3 * SAMPLE_RATE_HZ
#: A window with a smaller share of speech is other sound with a word or two in it. The detector finds more
#: than half of real and of faint speech; in music it detects up to 4 %.
LEAST_SPEECH = 0.1


@dataclass(frozen=True)
class Span:
    """Samples from `start` up to and without `end`."""

    start: int
    end: int


Quietest = Callable[[int, int], int]


def plan(
    speech: Iterable[Span], quietest: Quietest, *, longest: int = LONGEST, largest_gap: int = LARGEST_GAP
) -> list[Span]:
    """Join speech over short gaps into windows of at most `longest` samples.

    `speech` is in order and does not overlap; `quietest(a, b)` returns the best place to cut in
    [a, b). Every sample of speech ends up in exactly one window.
    """
    windows: list[Span] = []
    for piece in _cut(speech, quietest, longest):
        last = windows[-1] if windows else None
        if last and piece.start - last.end <= largest_gap and piece.end - last.start <= longest:
            windows[-1] = Span(last.start, piece.end)
        else:
            windows.append(piece)
    return windows


def parts(window: Span, speech: Iterable[Span]) -> list[Span]:
    """Return the parts of a window: the whole, or with little speech, the speech and what is around it."""
    spoken = within(window, speech)
    if not spoken or is_speech(window, spoken):
        return [window]
    edges = [window.start, *(edge for span in spoken for edge in (span.start, span.end)), window.end]
    return [Span(start, end) for start, end in pairwise(edges) if start < end]


def within(part: Span, spans: Iterable[Span]) -> list[Span]:
    """Return what of some spans lies in a part."""
    return [
        Span(max(span.start, part.start), min(span.end, part.end))
        for span in spans
        if span.start < part.end and part.start < span.end
    ]


def is_speech(part: Span, speech: Iterable[Span]) -> bool:
    """Whether there is as much speech in a part as in windows of speech."""
    spoken = sum(span.end - span.start for span in within(part, speech))
    return spoken >= LEAST_SPEECH * (part.end - part.start)


def _cut(speech: Iterable[Span], quietest: Quietest, longest: int) -> Iterator[Span]:
    """Cut spans that are too long at the quietest point in the last third of `longest`."""
    for span in speech:
        start = span.start
        while span.end - start > longest:
            cut = quietest(start + 2 * longest // 3, start + longest)
            yield Span(start, cut)
            start = cut
        if span.end > start:
            yield Span(start, span.end)
