"""Passages: a transcript as people read it, derived from words and from what is laid over them.

A passage is a run of words of one speaker within a segment. It is never stored: another label, name or
correction gives other passages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean

from archive.transcript import Transcript
from shared.plain_text import one_line
from shared.reading import Token, first_word_of, read
from shared.speakers import ME, THEM, UNSURE, voice
from shared.words import Segment, Word

#: A speaker with a lower probability is marked as doubtful.
SURE_FROM = 0.7
DOUBTFUL = "(?)"
_NOBODY_KNOWS = "Unknown"


@dataclass(frozen=True, slots=True)
class Passage:
    """What one speaker says in a segment, or the whole segment where no words or no speakers are known.

    `text` is what the engine wrote with `words`, whose first one has the number `first_word` in the record's
    transcript. `tokens` are what is read: these words, or a person's corrections. `speaker` is None if it is
    not known, and `name` is what to show for it. `probability` is the mean of the words' speakers; None if a
    person said who it is, or nobody did.
    """

    start_ms: int
    end_ms: int
    text: str
    tokens: tuple[Token, ...] = ()
    words: tuple[Word, ...] = ()
    first_word: int | None = None
    speaker: str | None = None
    name: str | None = None
    probability: float | None = None
    doubts: tuple[str, ...] = ()

    @property
    def last_word(self) -> int | None:
        """The number of its last word; None if it has no words."""
        return None if self.first_word is None else self.first_word + len(self.words) - 1

    @property
    def is_doubtful(self) -> bool:
        """Whether the speaker may be another one."""
        return self.speaker == UNSURE or (self.probability is not None and self.probability < SURE_FROM)

    @property
    def shown_name(self) -> str | None:
        """The name of the speaker, with a mark if it is doubtful; None if nobody is known."""
        return f"{self.name} {DOUBTFUL}" if self.name and self.is_doubtful else self.name

    @property
    def is_corrected(self) -> bool:
        """Whether a person corrected something in it."""
        return any(token.is_corrected for token in self.tokens)

    @property
    def corrected_text(self) -> str | None:
        """The text with a person's corrections; None if there are none."""
        return "".join(token.text for token in self.tokens).strip() if self.is_corrected else None

    @property
    def reading(self) -> str:
        """The text to read: as a person corrected it, or else as the engine wrote it."""
        return self.text if self.corrected_text is None else self.corrected_text

    @property
    def line(self) -> str:
        """The text to read as one line without control characters."""
        return plain(self.reading)


def passages(transcript: Transcript) -> tuple[Passage, ...]:
    """Return a transcript's passages in the order in which they begin."""
    found = [passage for _, some in by_segment(transcript) for passage in some]
    return tuple(sorted(found, key=lambda it: it.start_ms))


def by_segment(transcript: Transcript) -> Iterator[tuple[int, tuple[Passage, ...]]]:
    """Yield the passages of each segment, by its place in the transcript, from 0.

    A segment whose words are all under a correction of words before it has none.
    """
    tokens = read(transcript.segments, transcript.overlay.labels, transcript.overlay.corrections)
    maker = _Maker(transcript)
    for place, segment in groupby(tokens, key=lambda token: token.segment):
        yield place, tuple(maker.passage(run) for run in _runs(list(segment), maker.person))


def text_of(transcript: Transcript) -> str:
    """Return the text of a transcript as it is to be read, a line for each passage."""
    return "\n".join(passage.line for passage in passages(transcript) if passage.line)


def turns(found: Iterable[Passage]) -> Iterator[tuple[Passage, ...]]:
    """Group passages one after another of one name; a passage without a name is alone."""
    for name, group in groupby(found, key=lambda passage: passage.shown_name):
        members = tuple(group)
        yield from [members] if name else ((passage,) for passage in members)


def name_of(speaker: str, names: Mapping[str, str]) -> str:
    """Return the name to show for a speaker: the one that a person gave, or else what is known."""
    return plain(names.get(speaker, "")) or (_NOBODY_KNOWS if speaker == UNSURE else speaker.capitalize())


def plain(text: str) -> str:
    """Return a text as one line without control characters and with single spaces."""
    return " ".join(one_line(text).split())


def _runs(
    segment: Sequence[Token], person: Callable[[str | None], str | None]
) -> Iterator[tuple[Token, ...]]:
    """Part the tokens of a segment where the person changes.

    Unsure words between words of one person are read as that person's.
    """
    runs = [(who, list(run)) for who, run in groupby(segment, key=lambda token: person(token.speaker))]
    merged: list[tuple[str | None, list[Token]]] = []
    for number, (who, run) in enumerate(runs):
        before = merged[-1][0] if merged else None
        after = runs[number + 1][0] if number + 1 < len(runs) else None
        is_within = who == UNSURE and before is not None and before == after
        if merged and (is_within or who == before):
            merged[-1][1].extend(run)
        else:
            merged.append((who, run))
    return (tuple(run) for _, run in merged)


class _Maker:
    """Makes passages of the tokens of one transcript."""

    def __init__(self, transcript: Transcript) -> None:
        self._segments, self._names = transcript.segments, transcript.names
        self._words = tuple(word for segment in transcript.segments for word in segment.words)
        self._begin = first_word_of(transcript.segments)
        self._persons = {speaker: plain(name) for speaker, name in transcript.names.items()}
        self._channels = (ME, THEM) if transcript.is_capture else (voice(1), voice(2))

    def person(self, speaker: str | None) -> str | None:
        """Return who a speaker is: speakers with the same name are one person."""
        return self._persons.get(speaker) or speaker if speaker else None

    def passage(self, tokens: tuple[Token, ...]) -> Passage:
        """Return the passage of tokens of one speaker in one segment, which has its times at both ends."""
        segment = self._segments[tokens[0].segment]
        if not segment.words:
            speaker = self._channels[segment.channel] if segment.channel in (0, 1) else None
            return self._named(
                Passage(segment.start_ms, segment.end_ms, segment.text, tokens), segment, speaker
            )
        first, end = tokens[0].first_word, tokens[-1].last_word + 1
        begins = first == segment.first_word
        ends = end == (segment.first_word or 0) + len(segment.words)
        start_ms = segment.start_ms if begins else tokens[0].start_ms
        end_ms = max(start_ms, segment.end_ms if ends else tokens[-1].end_ms)
        words = self._words[first - self._begin : end - self._begin]
        text = segment.text if begins and ends else "".join(word.text for word in words).strip()
        return self._named(Passage(start_ms, end_ms, text, tokens, words, first), segment, tokens[0].speaker)

    def _named(self, passage: Passage, segment: Segment, speaker: str | None) -> Passage:
        if speaker is None:
            return replace(passage, doubts=segment.doubts)
        name, probability = name_of(speaker, self._names), _mean(passage.tokens)
        return replace(passage, doubts=segment.doubts, speaker=speaker, name=name, probability=probability)


def _mean(tokens: Sequence[Token]) -> float | None:
    """Return how probable a speaker is in the mean of the words; where a person said so, it is certain."""
    if all(token.probability is None for token in tokens):
        return None
    words = [token.last_word - token.first_word + 1 for token in tokens]
    sure = [1.0 if token.probability is None else token.probability for token in tokens]
    return round(fmean(sure, words), 4)
