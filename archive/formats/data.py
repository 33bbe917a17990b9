"""Transcripts as JSON, with everything that is known; `docs/json.md` has the keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from archive.passages import Passage, name_of, passages
from archive.transcript import Transcript
from shared.reading import speakers
from shared.speakers import Label
from shared.times import iso
from shared.words import Segment, Word, seconds

#: Version of the JSON export; raise it when a key is removed, renamed or given another type.
JSON_VERSION = 1


def as_json(transcript: Transcript) -> str:
    """Write the facts of the call, its words, what is laid over them, and the passages that come of both."""
    facts = {
        "version": JSON_VERSION,
        "record_id": transcript.record_id,
        "title": transcript.title,
        "duration_seconds": transcript.duration_seconds,
        "language": transcript.language,
        "language_probability": transcript.language_probability,
        "model": transcript.model,
        "flags": transcript.flags,
    }
    return _written(
        {**facts, **speech_in_json(transcript), **overlays_in_json(transcript), **notes_in_json(transcript)}
    )


def speech_in_json(transcript: Transcript) -> dict[str, Any]:
    """Return what was said and who said it, with the keys that docs/json.md promises."""
    return {"segments": segments_in_json(transcript), **passages_in_json(transcript)}


def passages_in_json(transcript: Transcript) -> dict[str, Any]:
    """Return what was said as people read it, and who speaks, without single words."""
    found = passages(transcript)
    return {
        "speakers": list(_speakers(transcript, found)),
        "passages": [_passage(passage) for passage in found],
    }


def segments_in_json(transcript: Transcript) -> list[dict[str, Any]]:
    """Return the segments and their words, each with its number and its speaker."""
    labels = speakers(transcript.overlay.labels, sum(len(segment.words) for segment in transcript.segments))
    return [_segment(segment, labels) for segment in transcript.segments]


def overlays_in_json(transcript: Transcript) -> dict[str, Any]:
    """Return what a rebuild needs to lay over the words again."""
    return {
        "labels": [
            {
                "first_word": label.first_word,
                "last_word": label.last_word,
                "speaker": label.speaker,
                "source": label.source,
                "probability": label.probability,
            }
            for label in transcript.overlay.labels
        ],
        "corrections": [
            {
                "first_word": correction.first_word,
                "last_word": correction.last_word,
                "text": correction.text,
                "source": correction.source,
                "made_at": iso(correction.made_at),
            }
            for correction in transcript.overlay.corrections
        ],
    }


def notes_in_json(transcript: Transcript) -> dict[str, Any]:
    """Return the notes of persons by their moments."""
    return {
        "notes": [
            {"at_seconds": seconds(note.at_ms), "text": note.text, "made_at": iso(note.made_at)}
            for note in transcript.notes
        ]
    }


def _speakers(transcript: Transcript, found: Iterable[Passage]) -> Iterator[dict[str, Any]]:
    given = transcript.overlay.names
    spoken = (passage.speaker for passage in found if passage.speaker)
    for speaker in dict.fromkeys([*spoken, *given]):
        shown = name_of(speaker, transcript.names)
        yield {"speaker": speaker, "name": given.get(speaker), "shown_name": shown}


def _segment(segment: Segment, labels: list[Label | None]) -> dict[str, Any]:
    first = segment.first_word or 0
    return {
        **_times(segment),
        "text": segment.text,
        "channel": segment.channel,
        "words": [
            {"id": number, **_word(word), **_speaker(labels[number])}
            for number, word in enumerate(segment.words, first)
        ],
        "doubts": segment.doubts,
    }


def _word(word: Word) -> dict[str, Any]:
    return {**_times(word), "text": word.text, "probability": word.probability}


def _speaker(label: Label | None) -> dict[str, Any]:
    if label is None:
        return {"speaker": None, "speaker_probability": None}
    return {"speaker": label.speaker, "speaker_probability": label.probability}


def _passage(passage: Passage) -> dict[str, Any]:
    return {
        **_times(passage),
        "first_word": passage.first_word,
        "last_word": passage.last_word,
        "speaker": passage.speaker,
        "name": passage.name,
        "speaker_probability": passage.probability,
        "is_doubtful": passage.is_doubtful,
        "text": passage.reading,
        "is_corrected": passage.is_corrected,
        "doubts": passage.doubts,
    }


def _times(it: Segment | Word | Passage) -> dict[str, float]:
    return {"start_seconds": seconds(it.start_ms), "end_seconds": seconds(it.end_ms)}


def _written(found: dict[str, Any]) -> str:
    """Write an object with a line for each key and for each entry of a list."""
    return "{\n" + ",\n".join(f"  {_plain(name)}: {_value(value)}" for name, value in found.items()) + "\n}\n"


def _value(value: object) -> str:
    if not isinstance(value, list) or not value:
        return _plain(value)
    return "[\n" + ",\n".join(f"    {_plain(entry)}" for entry in value) + "\n  ]"


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
