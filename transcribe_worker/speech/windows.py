"""Speech to decoding windows: pure, over sample positions.

Whisper looks at 30 s at a time, so a window of several sentences costs no more than one of a word;
a window that ends in the middle of a word loses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

SAMPLE_RATE_HZ = 16_000
LONGEST = 28 * SAMPLE_RATE_HZ
LARGEST_GAP = 3 * SAMPLE_RATE_HZ
#: With a smaller share of speech, a window is something else with a word or two in it. Of real and of faint
#: speech the detector finds more than half; in music it hears a word now and then, 4 % at the most.
LEAST_SPEECH = 0.1


@dataclass(frozen=True)
class Span:
    """A stretch of samples, from `start` up to but not including `end`."""

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


def parts(window: Span, speech: Iterable[Span]) -> list[tuple[Span, bool]]:
    """Tell a window in which there is speech from one without; where there is little, keep the two apart."""
    within = [
        Span(max(span.start, window.start), min(span.end, window.end))
        for span in speech
        if span.start < window.end and window.start < span.end
    ]
    share = sum(span.end - span.start for span in within) / (window.end - window.start)
    if not within or share >= LEAST_SPEECH:
        return [(window, bool(within))]
    edges = [window.start, *(edge for span in within for edge in (span.start, span.end)), window.end]
    spans = [Span(start, end) for start, end in pairwise(edges)]
    return [(span, span in within) for span in spans if span.start < span.end]


def _cut(speech: Iterable[Span], quietest: Quietest, longest: int) -> Iterator[Span]:
    """Cut what is too long at the quietest point of the last third of what fits."""
    for span in speech:
        start = span.start
        while span.end - start > longest:
            cut = quietest(start + 2 * longest // 3, start + longest)
            yield Span(start, cut)
            start = cut
        if span.end > start:
            yield Span(start, span.end)
