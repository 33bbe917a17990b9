"""Finds loops of the model: a phrase that stands three times or more in a row. Pure functions.

Words are compared by their letters and digits alone: in "Three. Three, three" one word stands three times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from transcribe_worker.recognition.tokens import Said

#: Repetitions from which a phrase is a loop, until another try at the same sound confirms it.
FEWEST_TIMES = 3
LONGEST_PHRASE = 40

#: Returns the texts and the tokens of the words in some tokens, as faster-whisper's tokenizer does.
SplitWords = Callable[[list[int]], tuple[list[str], list[list[int]]]]


@dataclass(frozen=True)
class Loop:
    """A phrase of plain words that stands `times` in a row, from word number `start` up to `end`."""

    phrase: tuple[str, ...]
    times: int
    start: int
    end: int  # with a last copy that was cut off

    @property
    def repeated(self) -> range:
        """The numbers of the words after the first copy."""
        return range(self.start + len(self.phrase), self.end)


@dataclass(frozen=True)
class _Word:
    plain: str  # empty for punctuation
    tokens: list[int]
    sentence: int


def find_loops(words: Sequence[str]) -> list[Loop]:
    """Return the loops in some plain words, from left to right and without overlaps."""
    found: list[Loop] = []
    at = 0
    while at < len(words):
        loop = _loop_at(words, at)
        if loop:
            found.append(loop)
        at = loop.end if loop else at + 1
    return found


def loops_of(said: Sequence[Said], split_words: SplitWords) -> tuple[Loop, ...]:
    """Return the loops in the text of a window, across its sentences."""
    return tuple(find_loops([word.plain for word in _words(said, split_words) if word.plain]))


def without_loops(said: Sequence[Said], split_words: SplitWords) -> list[Said]:
    """Keep one copy of each phrase that is repeated; a sentence of nothing else is left out."""
    words = _words(said, split_words)
    loops = find_loops([word.plain for word in words if word.plain])
    repeated = {number for loop in loops for number in loop.repeated}
    kept: list[list[int]] = [[] for _ in said]
    number = -1
    for word in words:
        number += bool(word.plain)  # punctuation goes with the word before it
        if number not in repeated:
            kept[word.sentence] += word.tokens
    return [replace(part, tokens=tokens) for part, tokens in zip(said, kept, strict=True) if tokens]


def _loop_at(words: Sequence[str], at: int) -> Loop | None:
    for length in range(1, min(LONGEST_PHRASE, (len(words) - at) // FEWEST_TIMES) + 1):
        phrase, times = words[at : at + length], 1
        while words[at + times * length : at + (times + 1) * length] == phrase:
            times += 1
        if times >= FEWEST_TIMES:
            end = at + times * length
            is_cut_off = words[end:] == phrase[: len(words) - end]
            return Loop(tuple(phrase), times, at, len(words) if is_cut_off else end)
    return None


def _words(said: Sequence[Said], split_words: SplitWords) -> list[_Word]:
    return [
        _Word("".join(filter(str.isalnum, text)).casefold(), list(tokens), number)
        for number, part in enumerate(said)
        for text, tokens in zip(*split_words(part.tokens), strict=True)
    ]
