"""The voice of each tick to turns, with probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np

from shared.speakers import VoiceTurn
from transcribe_worker.voices.clusters import TICK_MS, Found

#: How probable a voice is, by how much more likely it is than the next one: the share of right words in
#: recordings of known voices in turn, rounded down.
PROBABILITIES = ((0.2, 0.99), (0.15, 0.95), (0.12, 0.88), (0.08, 0.85), (0.05, 0.75), (0.02, 0.6))
UNLIKELY = 0.5
#: That a recording has one voice alone: from some pieces on, if it was clearly no two voices, and otherwise.
LEAST_PIECES, CLEARLY_ALIKE = 8, 0.06
ALONE, PERHAPS_ALONE = 0.95, 0.8


def turns(found: Found, spans_ms: Iterable[tuple[int, int]]) -> tuple[VoiceTurn, ...]:
    """Return the turns within speech, given by start and end in ms; each has one probability."""
    numbers: dict[int, int] = {}
    made = []
    for start_ms, end_ms in spans_ms:
        for voice, probability, run_start, run_end in _runs(found, start_ms, end_ms):
            number = numbers.setdefault(voice, len(numbers) + 1)  # in the order in which they speak
            made.append(VoiceTurn(run_start, run_end, number, probability))
    return tuple(made)


def _runs(found: Found, start_ms: int, end_ms: int) -> Iterator[tuple[int, float, int, int]]:
    first, last = start_ms // TICK_MS, min(-(-end_ms // TICK_MS), len(found.voices))
    ticks = (
        (tick, (int(found.voices[tick]), probability(found, tick)))
        for tick in range(min(first, len(found.voices) - 1), max(last, first + 1))
        if tick < len(found.voices)
    )
    for (voice, likely), run in groupby(ticks, key=lambda it: it[1]):
        numbers = [tick for tick, _ in run]
        begins = start_ms if numbers[0] == first else numbers[0] * TICK_MS
        ends = end_ms if numbers[-1] == last - 1 else (numbers[-1] + 1) * TICK_MS
        yield voice, likely, begins, ends


def probability(found: Found, tick: int) -> float:
    """Return how probable the voice of a tick is."""
    if found.count == 1:
        is_clear = found.pieces >= LEAST_PIECES and found.alike >= CLEARLY_ALIKE
        return ALONE if is_clear else PERHAPS_ALONE
    margin = float(np.float32(found.margins[tick]))
    return next((likely for least, likely in PROBABILITIES if margin >= least), UNLIKELY)
