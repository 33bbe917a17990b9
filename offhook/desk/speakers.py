"""The speakers of a recording: who they are, how they are called, and what a person changes of that."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from archive.passages import Passage
from offhook.desk.cast import UnknownSpeaker, give
from offhook.desk.changes import changed
from offhook.desk.desk import Desk
from offhook.desk.speech import NoSuchMoment, Speech, speech
from shared.speakers import ME, THEM

#: Words of a sample sentence, and its characters at most.
SAMPLE_WORDS, SAMPLE_CHARACTERS = 16, 100


@dataclass(frozen=True)
class Speaker:
    """A speaker, with the number and share of the words, and a sentence that tells who it is."""

    speaker: str
    name: str
    words: int
    share: float
    sample: Passage


def speakers(found: Speech) -> list[Speaker]:
    """Return the speakers of a recording, the one with the most words first."""
    counts: Counter[str] = Counter()
    for passage in found.passages:
        if passage.speaker and passage.words:
            counts[passage.speaker] += len(passage.words)
    total = max(1, found.words)
    return [
        Speaker(speaker, found.name(speaker), count, count / total, _sample(found, speaker))
        for speaker, count in counts.most_common()
    ]


def rename(desk: Desk, record_id: int, who: str, name: str) -> str:
    """Give a speaker of a recording a name; an empty one takes it away. Return how the speaker is called.

    Raises UnknownSpeaker.
    """
    found = speech(desk, record_id)
    speaker, given = found.cast.known_speaker(record_id, who), " ".join(name.split())
    with changed(desk, found.record, "speaker"):
        desk.store.overlays.rename(record_id, speaker, given or None)
    return given or speech(desk, record_id).name(speaker)


def swap(desk: Desk, record_id: int, one: str | None, other: str | None) -> tuple[str, str]:
    """Exchange two speakers, and return them; without their names the two that there are.

    Raises UnknownSpeaker.
    """
    found = speech(desk, record_id)
    pair = (
        (found.cast.known_speaker(record_id, one), found.cast.known_speaker(record_id, other))
        if one and other
        else _the_two(found)
    )
    with changed(desk, found.record, "speaker"):
        desk.store.overlays.swap(record_id, *pair)
    return pair


def assign(desk: Desk, record_id: int, who: str, *, at: str | None, words: tuple[int, int] | None) -> str:
    """Say who said a passage or some words, and return that speaker; a new name is a new speaker.

    Raises NoSuchMoment.
    """
    found = speech(desk, record_id)
    first, last = words or _words_at(found, at or "")
    if not 0 <= first <= last < found.words:
        raise NoSuchMoment(f"Recording {record_id} has the words 0 to {found.words - 1}.")
    with changed(desk, found.record, "speaker"):
        return give(desk, record_id, found.cast, (first, last), who)


def _words_at(found: Speech, moment: str) -> tuple[int, int]:
    tokens = found.at(moment).tokens
    return tokens[0].first_word, tokens[-1].last_word


def _the_two(found: Speech) -> tuple[str, str]:
    there = found.speakers
    if set(there) <= {ME, THEM} and there:
        return ME, THEM
    if len(there) != 2:
        raise UnknownSpeaker(
            f"Recording {found.record.id} has {len(there)} speakers. Name the two to exchange."
        )
    return there[0], there[1]


def _sample(found: Speech, speaker: str) -> Passage:
    """Return the passage whose length is nearest to that of a good sample."""
    mine = [passage for passage in found.passages if passage.speaker == speaker and passage.words]
    return min(mine, key=lambda passage: abs(len(passage.line.split()) - SAMPLE_WORDS))
