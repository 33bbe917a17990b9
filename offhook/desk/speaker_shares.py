"""How much each speaker of a recording says, with a sample of each: from labels, without reading the call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from offhook.desk import reading
from offhook.desk.cast import cast_of
from offhook.desk.desk import Desk
from offhook.desk.speakers import SAMPLE_WORDS
from shared.reading import speakers as speakers_by_word
from shared.speakers import UNSURE
from shared.store.values import Record


@dataclass(frozen=True)
class Sample:
    """A passage that tells who a speaker is."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True)
class Share:
    """A speaker, how one is called (`given`: by a person), and the number and share of the words."""

    speaker: str
    name: str
    given: str | None
    words: int
    share: float
    sample: Sample | None = None


@dataclass(frozen=True)
class _Run:
    first_word: int
    words: int


def shares(desk: Desk, record: Record) -> list[Share]:
    """Return the speakers of a stored transcript, the one with the most words first, the unsure ones last.

    A person may have named somebody who says nothing any more; such a speaker has 0 words.
    """
    cast, total = cast_of(desk, record), desk.store.parts.words(record.id)
    given = desk.store.overlays.names(record.id)
    runs = _runs(desk, record, total)
    words = Counter({speaker: sum(run.words for run in some) for speaker, some in runs.items()})
    found = sorted({*words, *cast.speakers, *given}, key=lambda it: (it == UNSURE, -words[it], it))
    return [
        Share(
            *(speaker, cast.name(speaker), given.get(speaker), words[speaker]),
            round(words[speaker] / max(1, total), 4),
            _sample(desk, record, speaker, runs.get(speaker, ())),
        )
        for speaker in found
        if words[speaker] or speaker in given
    ]


def _runs(desk: Desk, record: Record, total: int) -> dict[str, list[_Run]]:
    """Return by speaker the words one after another that are one's."""
    said_by = speakers_by_word(desk.store.overlays.labels(record.id), total)
    found: dict[str, list[_Run]] = {}
    at = 0
    for speaker, some in groupby(said_by, key=lambda label: label.speaker if label else None):
        words = sum(1 for _ in some)
        if speaker is not None:
            found.setdefault(speaker, []).append(_Run(at, words))
        at += words
    return found


def _sample(desk: Desk, record: Record, speaker: str, runs: Sequence[_Run]) -> Sample | None:
    """Return a passage of the run whose length is nearest to that of a good sample."""
    if not runs:
        return None
    run = min(runs, key=lambda it: abs(it.words - SAMPLE_WORDS))
    for _, shown in reading.at_word(desk, record, run.first_word):
        if shown.speaker == speaker and shown.text:
            return Sample(shown.start_ms, shown.end_ms, shown.text)
    return None
