"""Subtitles: passages as cues of two lines, which follow one another in time.

The limits are those of broadcasters: 42 columns a line and two lines (BBC Subtitle Guidelines, Netflix Timed
Text Style Guide). Lines and cues break where a sentence or a clause ends, and never in a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, zip_longest

from archive.formats.pieces import Piece, joined, width

LINE_COLUMNS = 42
LINES = 2
#: The shortest time that a cue is shown, and the time for a character of speech that overlaps other speech.
SHORTEST_MS = 400
OVERLAPPED_MS_PER_CHARACTER = 25
#: A pause between two words that is as good a place to break as the end of a clause.
PAUSE_MS = 300
SENTENCE, CLAUSE, ANYWHERE = 2, 1, 0
_ENDS = {**dict.fromkeys(".!?…。！？؟۔", SENTENCE), **dict.fromkeys(",;:–—、，；：،؛", CLAUSE)}
_QUOTES = "\"'”’»)]」』）"
#: By how many columns one line may be longer than the other to break at a clause.
_CLAUSE_IS_WORTH = 14
#: A cue ends at a clause only in the last part of what fits, so that cues do not become too short.
_LEAST_FILLED = 0.4


@dataclass(frozen=True, slots=True)
class Cue:
    """The text that is shown for a time, of one speaker; `name` is None where nobody knows who it is."""

    start_ms: int
    end_ms: int
    pieces: tuple[Piece, ...]
    name: str | None = None

    def lines(self, prefix: str = "") -> list[str]:
        """Return the text as one or two lines; the first begins with a prefix."""
        at = _best_break(self.pieces, width(prefix))
        first, second = prefix + joined(self.pieces[:at]), joined(self.pieces[at:])
        return [line.rstrip() for line in (first, second) if line]


def cut(
    pieces: Sequence[Piece], start_ms: int, end_ms: int, name: str | None = None, prefix_columns: int = 0
) -> list[Cue]:
    """Cut what one speaker says from `start_ms` to `end_ms` into cues that have room for a prefix as well."""
    cues: list[Cue] = []
    first, begin = 0, start_ms
    while first < len(pieces):
        window = pieces[first : first + LINES * LINE_COLUMNS + 1]  # each piece takes a column at least
        last = first + _length(window, prefix_columns)
        end = pieces[last - 1].end_ms if last < len(pieces) else end_ms
        cues.append(Cue(begin, max(begin, end), tuple(pieces[first:last]), name))
        first = last
        begin = max(begin, pieces[first].start_ms) if first < len(pieces) else begin
    return cues


def placed(cues: Iterable[Cue]) -> Iterator[Cue]:
    """Put cues one after another, none of them over the next one.

    Where two speakers talk at once, a cue ends when the next one begins, and the last of them stays until
    nobody talks. A cue that begins too soon after another one waits until that one was readable.
    """
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    free_ms = spoken_until_ms = 0
    for cue, following in zip_longest(ordered, ordered[1:]):
        start = max(cue.start_ms, free_ms)
        spoken_until_ms = max(spoken_until_ms, cue.end_ms)
        readable = start + _least_ms(cue)
        end = max(spoken_until_ms, readable)
        if following:
            end = min(end, max(following.start_ms, readable))
        yield replace(cue, start_ms=start, end_ms=end)
        free_ms = end


def _least_ms(cue: Cue) -> int:
    """Return how long a cue must be shown, even if another one should begin."""
    characters = sum(len(piece.text) for piece in cue.pieces)
    return max(SHORTEST_MS, min(cue.end_ms - cue.start_ms, OVERLAPPED_MS_PER_CHARACTER * characters))


def _length(window: Sequence[Piece], prefix_columns: int) -> int:
    """Return how many pieces of a window go into the next cue: up to the end of a sentence or a clause."""
    fitting = _fitting(window, prefix_columns)
    if fitting == len(window):
        return fitting
    columns = list(accumulate(map(_columns, window)))
    filled = columns[fitting - 1]
    choices = [at for at in range(1, fitting + 1) if columns[at - 1] >= _LEAST_FILLED * filled]
    best = max(_rank(window, at) for at in choices)
    if best > ANYWHERE:
        return max(at for at in choices if _rank(window, at) == best)
    rest = _fitting(window[fitting:], prefix_columns)
    if fitting + rest < len(window):
        return fitting
    return min(choices, key=lambda at: abs(2 * columns[at - 1] - columns[-1]))  # two cues of like length


def _fitting(pieces: Sequence[Piece], prefix_columns: int) -> int:
    """Return how many pieces fit into the lines of a cue; a piece longer than a line takes one."""
    line, columns = 1, prefix_columns
    for number, piece in enumerate(pieces):
        if columns and columns + _columns(piece) > LINE_COLUMNS:
            line, columns = line + 1, 0
            if line > LINES:
                return number
        columns += _columns(piece) if columns else piece.width
    return len(pieces)


def _best_break(pieces: Sequence[Piece], prefix_columns: int) -> int:
    """Return how many pieces the first line gets: both lines fit, and break at a clause or in the middle."""
    columns = [0, *accumulate(map(_columns, pieces))]
    total = columns[-1]
    if prefix_columns + total <= LINE_COLUMNS:
        return len(pieces)

    def cost(at: int) -> tuple[int, int]:
        first, second = prefix_columns + columns[at], total - columns[at]
        over = sum(max(0, length - LINE_COLUMNS) for length in (first, second))
        clause = _CLAUSE_IS_WORTH if at and _rank(pieces, at) > ANYWHERE else 0
        return over, abs(first - second) - clause

    return min(range(0 if prefix_columns else 1, len(pieces) + 1), key=cost)


def _columns(piece: Piece) -> int:
    """Return the columns of a piece within a line, with the space before it."""
    return piece.width + piece.space_before


def _rank(pieces: Sequence[Piece], at: int) -> int:
    """Return how good a place the one before piece `at` is to break."""
    before = pieces[at - 1]
    rank = _ENDS.get(before.text.rstrip(_QUOTES)[-1:], ANYWHERE)
    is_pause = at < len(pieces) and pieces[at].start_ms - before.end_ms >= PAUSE_MS
    return max(rank, CLAUSE if is_pause else ANYWHERE)
