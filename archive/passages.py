"""Passages: a transcript as people read it, derived from words and from what is laid over them.

A passage is a run of words of one speaker within a segment. It is never stored: another label, name or
correction gives other passages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import NamedTuple

from archive.transcript import Transcript
from shared.plain_text import one_line
from shared.speakers import ME, THEM, UNSURE, Label, voice
from shared.store.overlays import Correction
from shared.words import Segment, Word

#: A speaker with a lower probability is marked as doubtful.
SURE_FROM = 0.7
DOUBTFUL = "(?)"
_NOBODY_KNOWS = "Unknown"


@dataclass(frozen=True, slots=True)
class Passage:
    """What one speaker says in a segment, or the whole segment where no words or no speakers are known.

    `speaker` is None if it is not known, and `name` is what to show for it. `probability` is the mean of the
    words' speakers; None if a person said who it is, or nobody did. `first_word` is the number of the first
    of `words` in the record's transcript. `text` is what the engine wrote, `corrections` a person's texts.
    """

    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()
    first_word: int | None = None
    speaker: str | None = None
    name: str | None = None
    probability: float | None = None
    doubts: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """Whether the speaker may be another one."""
        return self.speaker == UNSURE or (self.probability is not None and self.probability < SURE_FROM)

    @property
    def shown_name(self) -> str | None:
        """The name of the speaker, with a mark if it is doubtful; None if nobody is known."""
        return f"{self.name} {DOUBTFUL}" if self.name and self.is_doubtful else self.name

    @property
    def corrected_text(self) -> str | None:
        """The text with a person's corrections; None if there are none."""
        if not self.corrections:
            return None
        return "".join(text for text, _ in corrected(self)).strip()

    @property
    def reading(self) -> str:
        """The text to read: as a person corrected it, or else as the engine wrote it."""
        return self.text if self.corrected_text is None else self.corrected_text

    @property
    def line(self) -> str:
        """The text to read as one line without control characters."""
        return " ".join(one_line(self.reading).split())


def passages(transcript: Transcript) -> tuple[Passage, ...]:
    """Return a transcript's passages in the order in which they begin."""
    overlay = _Overlay(transcript)
    found = [passage for segment in transcript.segments for passage in overlay.of_segment(segment)]
    return tuple(sorted(found, key=lambda passage: passage.start_ms))


def text_of(transcript: Transcript) -> str:
    """Return the text of a transcript as it is to be read, a line for each passage."""
    return "\n".join(passage.reading for passage in passages(transcript) if passage.reading)


def turns(found: Iterable[Passage]) -> Iterator[tuple[Passage, ...]]:
    """Group passages one after another of one speaker; a passage without a speaker is alone."""
    for (speaker, _), group in groupby(found, key=lambda passage: (passage.speaker, passage.shown_name)):
        members = tuple(group)
        yield from [members] if speaker else ((passage,) for passage in members)


def corrected(passage: Passage) -> Iterator[tuple[str, tuple[Word, ...]]]:
    """Yield the text of a passage in parts, each with its words: one word, or those of a correction.

    A correction that begins in an earlier passage has its text there.
    """
    number, done = passage.first_word or 0, 0
    for correction in passage.corrections:
        begin = max(correction.first_word - number, 0)
        yield from ((word.text, (word,)) for word in passage.words[done:begin])
        done = correction.last_word - number + 1
        covered = passage.words[begin:done]
        text = " ".join(one_line(correction.text).split()) if correction.first_word >= number else ""
        space = " " if covered[0].text[:1].isspace() else ""
        yield text and space + text, covered
    yield from ((word.text, (word,)) for word in passage.words[done:])


def name_of(speaker: str, names: Mapping[str, str]) -> str:
    """Return the name to show for a speaker: the one that a person gave, or else what is known."""
    given = " ".join(one_line(names.get(speaker, "")).split())
    return given or (_NOBODY_KNOWS if speaker == UNSURE else speaker.capitalize())


def labels_by_word(transcript: Transcript) -> list[Label | None]:
    """Return the label that counts for each word of a transcript, by its number."""
    count = sum(len(segment.words) for segment in transcript.segments)
    found: list[Label | None] = [None] * count
    for label in transcript.labels:  # later ones stand over earlier ones
        first, end = max(label.first_word, 0), min(label.last_word + 1, count)
        found[first:end] = [label] * max(end - first, 0)
    return found


def corrections_by_word(transcript: Transcript) -> dict[int, Correction]:
    """Return the correction that counts for each corrected word; one takes the place of those it overlaps."""
    count = sum(len(segment.words) for segment in transcript.segments)
    found: dict[int, Correction] = {}
    for correction in transcript.corrections:
        covered = range(max(correction.first_word, 0), min(correction.last_word + 1, count))
        for old in {id(it): it for number in covered if (it := found.get(number))}.values():
            for number in range(max(old.first_word, 0), min(old.last_word + 1, count)):
                found.pop(number, None)
        found.update(dict.fromkeys(covered, correction))
    return found


class _Overlay:
    """What is laid over the words of one transcript, by word."""

    def __init__(self, transcript: Transcript) -> None:
        self._labels, self._corrections = labels_by_word(transcript), corrections_by_word(transcript)
        self._names = transcript.names
        self._channels = (ME, THEM) if transcript.is_capture else (voice(1), voice(2))

    def of_segment(self, segment: Segment) -> Iterator[Passage]:
        """Yield the passages of a segment, which is whole if it has no words."""
        first = segment.first_word or 0
        if not segment.words:
            yield self._whole(segment)
            return
        groups = [list(group) for _, group in groupby(self._units(segment), key=_speaker_of)]
        for group in groups:
            words = segment.words[group[0].start - first : group[-1].stop - first]
            yield self._passage(segment, group, words, is_all=len(groups) == 1)

    def _whole(self, segment: Segment) -> Passage:
        channel = segment.channel
        speaker = self._channels[channel] if channel in (0, 1) else None
        return Passage(
            segment.start_ms,
            segment.end_ms,
            segment.text,
            speaker=speaker,
            name=name_of(speaker, self._names) if speaker else None,
            doubts=segment.doubts,
        )

    def _passage(
        self, segment: Segment, group: Sequence[_Unit], words: tuple[Word, ...], *, is_all: bool
    ) -> Passage:
        first, speaker = group[0].start, _speaker_of(group[0])
        is_first, is_last = words[0] is segment.words[0], words[-1] is segment.words[-1]
        start = segment.start_ms if is_first else words[0].start_ms
        end = segment.end_ms if is_last else words[-1].end_ms
        return Passage(
            start,
            max(start, end),
            segment.text if is_all else "".join(word.text for word in words).strip(),
            words,
            first,
            speaker,
            name_of(speaker, self._names) if speaker else None,
            _mean([label for unit in group if (label := unit.label) for _ in range(unit.stop - unit.start)]),
            segment.doubts,
            tuple(unit.correction for unit in group if unit.correction),
        )

    def _units(self, segment: Segment) -> Iterator[_Unit]:
        """Yield words and corrections, none of which is parted."""
        first = segment.first_word or 0
        numbers = range(first, first + len(segment.words))
        for correction, group in groupby(numbers, key=self._corrections.get):
            covered = list(group)
            if correction is None:
                yield from (_Unit(number, number + 1, self._labels[number]) for number in covered)
            else:
                yield _Unit(covered[0], covered[-1] + 1, self._mostly(covered), correction)

    def _mostly(self, numbers: Sequence[int]) -> Label | None:
        """Return a label of the speaker of most of these words, of the first one if it is even."""
        labels = [self._labels[number] for number in numbers]
        speakers = [label.speaker if label else None for label in labels]
        return labels[speakers.index(max(speakers, key=speakers.count))]


class _Unit(NamedTuple):
    """Words `start` to `stop`, without the latter, of one label, which are not parted."""

    start: int
    stop: int
    label: Label | None
    correction: Correction | None = None


def _speaker_of(unit: _Unit) -> str | None:
    return unit.label.speaker if unit.label else None


def _mean(labels: Sequence[Label]) -> float | None:
    """Return how probable a speaker is in the mean; a label of a person is certain."""
    if all(label.probability is None for label in labels):
        return None
    return round(fmean(1.0 if it.probability is None else it.probability for it in labels), 4)
