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


def parts(window: Span, speech: Iterable[Span]) -> list[tuple[Span, bool]]:
    """Return the parts of a window and whether each is speech; with little speech, the two are parted."""
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
    """Cut spans that are too long at the quietest point in the last third of `longest`."""
    for span in speech:
        start = span.start
        while span.end - start > longest:
            cut = quietest(start + 2 * longest // 3, start + longest)
            yield Span(start, cut)
            start = cut
        if span.end > start:
            yield Span(start, span.end)
