"""A transcript as a person reads it: the engine's words, with corrections and speakers laid over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from shared.speakers import Label
from shared.words import Segment, Word


@dataclass(frozen=True, slots=True)
class Correction:
    """A person's text for the words from `first_word` to `last_word`, both included.

    It is empty where nothing was said.
    """

    first_word: int
    last_word: int
    text: str
    source: str
    made_at: float


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the engine, or a person's correction of several, with the space before it.

    `segment` counts the segments from 0; a correction is in the segment of its first word. A segment without
    words is one token whose `last_word` is before its `first_word`. `speaker` is None if nothing says who
    spoke, and `probability` is that of the speaker, None for a person's label.
    """

    segment: int
    first_word: int
    last_word: int
    start_ms: int
    end_ms: int
    text: str
    speaker: str | None = None
    probability: float | None = None
    is_corrected: bool = False


def read(
    segments: Iterable[Segment], labels: Iterable[Label] = (), corrections: Iterable[Correction] = ()
) -> list[Token]:
    """Return a transcript, or segments one after another of one, as a person reads it.

    The segments are numbered. Labels and corrections come as the store has them: later ones stand over
    earlier ones. Those that begin before a part are passed over in it.
    """
    return list(_tokens(_Laid(list(segments), labels, corrections)))


def corrected_texts(segments: Iterable[Segment], corrections: Iterable[Correction]) -> dict[int, str]:
    """Return the text of each segment in which something is corrected, by its place from 0."""
    known, given = list(segments), list(corrections)
    tokens = read(known, (), given)
    covered = {n for it in tokens if it.is_corrected for n in range(it.first_word, it.last_word + 1)}
    found = {place: "" for place, segment in enumerate(known) if not covered.isdisjoint(_numbers(segment))}
    for place, some in groupby(tokens, lambda token: token.segment):
        if place in found:
            found[place] = "".join(token.text for token in some).strip()
    return found


def speakers(labels: Iterable[Label], words: int, begin: int = 0) -> list[Label | None]:
    """Return the label that stands over each of so many words, which begin with the one numbered `begin`."""
    found: list[Label | None] = [None] * words
    for label in labels:
        for place in range(max(0, label.first_word - begin), min(words, label.last_word + 1 - begin)):
            found[place] = label
    return found


def first_word_of(segments: Sequence[Segment]) -> int:
    """Return the number of the first word of segments one after another."""
    return (segments[0].first_word or 0) if segments else 0


def _numbers(segment: Segment) -> range:
    first = segment.first_word or 0
    return range(first, first + len(segment.words))


def _standing(corrections: Iterable[Correction], begin: int, end: int) -> dict[int, Correction]:
    """Return by their first words the corrections of words up to `end` that no later one overlaps."""
    taken: set[int] = set()
    found = {}
    for correction in reversed(list(corrections)):
        covered = range(correction.first_word, min(end, correction.last_word + 1))
        if covered and covered[0] >= begin and taken.isdisjoint(covered):
            taken.update(covered)
            found[covered[0]] = correction
    return found


class _Laid:
    """Segments one after another, and what stands over each of their words."""

    def __init__(
        self, segments: Sequence[Segment], labels: Iterable[Label], corrections: Iterable[Correction]
    ) -> None:
        self.segments, self.begin = segments, first_word_of(segments)
        self.words: list[Word] = [word for segment in segments for word in segment.words]
        self.said_by = speakers(labels, len(self.words), self.begin)
        self.put_right = _standing(corrections, self.begin, self.begin + len(self.words))


def _tokens(laid: _Laid) -> Iterator[Token]:
    number = laid.begin
    for place, segment in enumerate(laid.segments):
        after = (segment.first_word or 0) + len(segment.words)
        if not segment.words:
            text = f" {segment.text}" if segment.text else ""
            yield Token(place, after, after - 1, segment.start_ms, segment.end_ms, text)
        while number < after and segment.words:
            token = _token(place, number, laid)
            yield token
            number = token.last_word + 1


def _token(place: int, number: int, laid: _Laid) -> Token:
    """Return the token that begins with a word; a correction of words of two speakers is the first one's."""
    words, at = laid.words, number - laid.begin
    word, label, correction = words[at], laid.said_by[at], laid.put_right.get(number)
    speaker, probability = (label.speaker, label.probability) if label else (None, None)
    if correction is None:
        return Token(place, number, number, word.start_ms, word.end_ms, word.text, speaker, probability)
    last = min(laid.begin + len(words) - 1, correction.last_word)
    end_ms = words[last - laid.begin].end_ms
    space = " " if word.text[:1].isspace() and correction.text else ""
    text = f"{space}{correction.text}"
    return Token(place, number, last, word.start_ms, end_ms, text, speaker, probability, is_corrected=True)
