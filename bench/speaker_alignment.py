"""Aligns the words of a transcript with what several people said, also at once.

The words of each person keep their order, and so do those of the transcript; how the people's words follow
one another is free. Of all alignments with the fewest wrong words, the one whose words are nearest in time is
returned. Words further apart than a limit are never a pair. This is the edit distance of several streams:
Fiscus et al., "Multiple Dimension Levenshtein Edit Distance Calculations for Evaluating Automatic Speech
Recognition Systems During Simultaneous Speech", 2006.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, product

from bench.speaker_words import Token

#: More than all times between paired words together.
EDIT = 10**9
LIMIT_MS = 1_000

#: How many words of each person are past.
State = tuple[int, ...]


@dataclass(frozen=True)
class Alignment:
    """`pairs` are (said, written) by position in order of the transcript; the others are in no pair."""

    pairs: tuple[tuple[Token, Token], ...]
    lost: tuple[Token, ...]
    added: tuple[Token, ...]

    @property
    def wrong(self) -> int:
        """The number of missing, added and wrong words."""
        return len(self.lost) + len(self.added) + sum(said.text != heard.text for said, heard in self.pairs)


@dataclass(frozen=True)
class _Step:
    """The cheapest way to a state: from where, and the person whose word is a pair with the transcript's."""

    cost: float
    before: State
    person: int | None


def align(said: Sequence[Sequence[Token]], heard: Sequence[Token], limit_ms: int = LIMIT_MS) -> Alignment:
    """Align the words of each person, in order, with those of a transcript, ordered by their start."""
    heard = sorted(heard, key=lambda token: token.start_ms)
    windows = list(_windows(said, heard, limit_ms))
    levels: list[dict[State, _Step]] = []
    costs: dict[State, float] = {tuple(0 for _ in said): 0.0}
    for token, window in zip(heard, windows, strict=True):
        reached = _skipped(costs, window)
        level = _stepped(reached, said, token, limit_ms)
        levels.append(level)
        costs = {state: step.cost for state, step in level.items()}
    words = sum(map(len, said))
    end = min(costs, key=lambda state: costs[state] + EDIT * (words - sum(state)))
    return _traced(end, levels, said, heard)


def _windows(
    said: Sequence[Sequence[Token]], heard: Sequence[Token], limit_ms: int
) -> Iterator[list[tuple[int, int]]]:
    """Yield for each word of the transcript the words of each person that can be its pair: first, end."""
    ends = [list(accumulate((token.end_ms for token in stream), max)) for stream in said]
    starts = [[token.start_ms for token in stream] for stream in said]
    latest = 0
    for token in heard:
        latest = max(latest, token.end_ms)
        yield [
            (bisect_left(ends_, token.start_ms - limit_ms), bisect_right(starts_, latest + limit_ms))
            for ends_, starts_ in zip(ends, starts, strict=True)
        ]


def _skipped(
    costs: dict[State, float], window: Sequence[tuple[int, int]]
) -> dict[State, tuple[float, State]]:
    """Return the states inside the window: their cost with skipped words, and the state they come from."""
    found: dict[State, tuple[float, State]] = {}
    for state, cost in costs.items():
        inside = tuple(max(at, first) for at, (first, _) in zip(state, window, strict=True))
        more = cost + EDIT * (sum(inside) - sum(state))
        if inside not in found or more < found[inside][0]:
            found[inside] = more, state
    for state in product(*(range(first, max(first, end) + 1) for first, end in window)):
        for person, at in enumerate(state):
            before = (*state[:person], at - 1, *state[person + 1 :])
            if before in found and found[before][0] + EDIT < found.get(state, (float("inf"),))[0]:
                found[state] = found[before][0] + EDIT, found[before][1]
    return found


def _stepped(
    reached: dict[State, tuple[float, State]], said: Sequence[Sequence[Token]], token: Token, limit_ms: int
) -> dict[State, _Step]:
    """Take the next word of the transcript: it is added, or the pair of somebody's next word."""
    found: dict[State, _Step] = {}

    def offer(state: State, step: _Step) -> None:
        if state not in found or step.cost < found[state].cost:
            found[state] = step

    for state, (cost, _) in reached.items():
        offer(state, _Step(cost + EDIT, state, None))
        for person, at in enumerate(state):
            if at < len(said[person]) and said[person][at].gap_ms(token) <= limit_ms:
                word = said[person][at]
                more = EDIT * (word.text != token.text) + word.apart_ms(token)
                after = (*state[:person], at + 1, *state[person + 1 :])
                offer(after, _Step(cost + more, state, person))
    return {state: _Step(step.cost, reached[step.before][1], step.person) for state, step in found.items()}


def _traced(
    state: State, levels: list[dict[State, _Step]], said: Sequence[Sequence[Token]], heard: Sequence[Token]
) -> Alignment:
    """Follow the steps back from the last state."""
    pairs, added = [], []
    paired: set[tuple[int, int]] = set()
    for level, token in zip(reversed(levels), reversed(heard), strict=True):
        step = level[state]
        if step.person is None:
            added.append(token)
        else:
            at = state[step.person] - 1
            paired.add((step.person, at))
            pairs.append((said[step.person][at], token))
        state = step.before
    lost = (
        token
        for person, stream in enumerate(said)
        for at, token in enumerate(stream)
        if (person, at) not in paired
    )
    return Alignment(tuple(reversed(pairs)), tuple(lost), tuple(reversed(added)))
