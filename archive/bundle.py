"""The transcript of a record as a team's server gives it to the workstation whose call it is.

A bundle is JSON of the values below. It has what a worker would have committed, and what persons have laid
over the words. Laid into another store it makes the same transcript: words, times, probabilities, labels,
and texts are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from shared.errors import OffhookError, StateConflict
from shared.reading import Correction
from shared.speakers import PERSON, Label, VoiceTurn
from shared.store.claims import Claim
from shared.store.overlays import exchanged
from shared.store.placing import Unplaced
from shared.store.store import Store
from shared.store.transitions import COMPLETED
from shared.store.values import Record
from shared.words import Segment

#: Format version; bump on incompatible change. Fields that a reader does not know are passed over.
VERSION = 1
#: Limits of a bundle that is read. 12 hours in which somebody always speaks fast have 173,000 words: 20 MB
#: of JSON with 790,000 commas. A value in a list or object has one before it, so their number bounds memory.
LARGEST_BYTES, MOST_COMMAS = 48_000_000, 2_000_000
#: Whole numbers beyond are exact in no float and in no bundle.
LARGEST_WHOLE = 2**53
#: A transcript that changes while it is read is read again.
MOST_READS = 10
#: What the bundle says of the record itself.
_FACTS = ("model", "language", "language_probability", "duration_seconds", "flags")


class BadBundle(OffhookError):
    """What the server sent is no transcript."""

    code = "bad_bundle"
    remedy = "The workstation asks again; if this stays, see to it that both run the same version of offhook."


@dataclass(frozen=True)
class Bundle:
    """A finished transcript, and what is laid over its words, by machine and persons.

    `words_seq` is the server's change of the transcript that it has. `labels` are as the machine gave them,
    then those of persons; `swaps` are the speakers that a person has exchanged since.
    """

    words_seq: int
    segments: tuple[Segment, ...]
    model: str | None = None
    language: str | None = None
    language_probability: float | None = None
    duration_seconds: float | None = None
    flags: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    voice_turns: tuple[VoiceTurn, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    swaps: Mapping[str, str] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    bundle: int = VERSION


@dataclass(frozen=True)
class _Versioned:
    bundle: int


def load(store: Store, record_id: int) -> Bundle:
    """Read the transcript of a record as it is at one change. Raises RecordNotFound, StateConflict."""
    for _ in range(MOST_READS):
        before = _words_seq(store, record_id)
        found = _read(store, store.records.get(record_id), before)
        if _words_seq(store, record_id) == before:
            return found
    raise StateConflict(f"The transcript of recording {record_id} changes all the time. Ask again.")


def as_json(found: Bundle) -> bytes:
    """Write a bundle."""
    return msgspec.json.encode(found)


def from_json(data: bytes) -> Bundle:
    """Read a bundle that another machine has sent. Raises BadBundle, naming what is wrong."""
    if len(data) > LARGEST_BYTES or data.count(b",") > MOST_COMMAS:
        raise BadBundle("The transcript that the server sent is larger than any call's.")
    try:
        version = msgspec.json.decode(data, type=_Versioned).bundle
        if version != VERSION:
            raise BadBundle(f"The transcript that the server sent has format {version}, not {VERSION}.")
        found = msgspec.json.decode(data, type=Bundle)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadBundle(f"What the server sent is no transcript: {error}.") from None
    if not all(abs(number) <= LARGEST_WHOLE for number in _numbers(found)):
        raise BadBundle("The transcript that the server sent has a number that no transcript has.")
    return found


def receive(store: Store, claim: Claim, found: Bundle) -> Record:
    """Commit a bundle as the transcript of a claimed record, with all that is laid over it. Raises ClaimLost.

    What persons have laid over the words here stays where the bundle says nothing else. Of two corrections
    of the same words the later one stands.
    """
    with store.transaction():
        record = store.claims.complete(claim, found.segments, **_facts(found))
        if found.swaps:
            store.overlays.set_swaps(record.id, found.swaps)
        # The numbers of voices are the server's, on which names and labels of persons are laid there.
        store.overlays.replace(record.id, _by_machine(found.labels), found.voice_turns)
        labels, corrections = store.overlays.of_persons(record.id)
        standing = _later(corrections, found.corrections)
        store.overlays.replace_those_of_persons(record.id, _labels(labels, found.labels), standing)
        store.overlays.replace_names(record.id, {**store.overlays.names(record.id), **found.names})
        unplaced = dict.fromkeys([*store.carrying.unplaced(record.id), *found.unplaced])
        store.carrying.keep_unplaced(record.id, unplaced)
        store.transcripts.correct_index(record.id, standing)
        return record


def _read(store: Store, record: Record, words_seq: int) -> Bundle:
    if record.transcription_status != COMPLETED:
        raise StateConflict(f"Recording {record.id} is {record.transcription_status}. It has no transcript.")
    overlays, swaps = store.overlays, store.overlays.swaps(record.id)
    labels, corrections = overlays.labels(record.id), overlays.corrections(record.id)
    persons = [label for label in labels if label.source == PERSON]
    machines = {shown: machine for machine, shown in swaps.items()}
    return Bundle(
        words_seq,
        store.transcripts.segments(record.id),
        labels=(*exchanged(_by_machine(labels), machines), *persons),
        voice_turns=overlays.voice_turns(record.id),
        names=overlays.names(record.id),
        swaps=swaps,
        corrections=corrections,
        unplaced=store.carrying.unplaced(record.id),
        **{name: getattr(record, name) for name in _FACTS},
    )


def _words_seq(store: Store, record_id: int) -> int:
    change = store.changes.of_record(record_id)
    return change.words_seq if change else 0


def _facts(found: Bundle) -> dict[str, Any]:
    return {name: getattr(found, name) for name in _FACTS}


def _by_machine(labels: Iterable[Label]) -> list[Label]:
    return [label for label in labels if label.source != PERSON]


def _labels(here: Iterable[Label], there: Iterable[Label]) -> list[Label]:
    """Return the labels of persons: those of a bundle after those here that none of them covers."""
    theirs = [label for label in there if label.source == PERSON]
    kept = [label for label in here if not any(_covers(it, label) for it in theirs)]
    return [*kept, *theirs]


def _later(here: Sequence[Correction], there: Sequence[Correction]) -> list[Correction]:
    """Return the corrections of both, without those that a later one of the other side overlaps."""
    return [
        *(
            it
            for it in here
            if not any(_overlap(it, other) and other.made_at >= it.made_at for other in there)
        ),
        *(
            it
            for it in there
            if not any(_overlap(it, other) and other.made_at > it.made_at for other in here)
        ),
    ]


def _covers(one: Label, other: Label) -> bool:
    return one.first_word <= other.first_word and other.last_word <= one.last_word


def _overlap(one: Correction, other: Correction) -> bool:
    return one.first_word <= other.last_word and other.first_word <= one.last_word


def _numbers(found: Bundle) -> Iterator[int]:
    """Yield every whole number: SQL has none that are larger than 64 bits, JSON has."""
    yield found.words_seq
    for segment in found.segments:
        yield from (segment.start_ms, segment.end_ms, segment.first_word or 0, segment.channel or 0)
        for word in segment.words:
            yield from (word.start_ms, word.end_ms)
    for label in found.labels:
        yield from (label.first_word, label.last_word)
    for correction in found.corrections:
        yield from (correction.first_word, correction.last_word)
    for turn in found.voice_turns:
        yield from (turn.start_ms, turn.end_ms, turn.voice)
    for waiting in found.unplaced:
        yield from (waiting.start_ms, waiting.end_ms, waiting.channel or 0)
