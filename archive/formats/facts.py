"""What a document says of a call before its text."""

from __future__ import annotations

from archive.formats.times import moment
from archive.passages import plain
from archive.transcript import Transcript
from shared.words import milliseconds


def heading(transcript: Transcript) -> str:
    """Return the title of a document."""
    return plain(transcript.title) or f"Recording {transcript.record_id}"


def notes(transcript: Transcript) -> list[tuple[str, str]]:
    """Return the notes that a document has after its text, each as its moment and one line."""
    return [(moment(note.at_ms), text) for note in transcript.notes if (text := plain(note.text))]


def facts(transcript: Transcript) -> list[tuple[str, str]]:
    """Return the facts that a document names, each with its value."""
    length = transcript.duration_seconds
    found = (
        ("Length", None if length is None else moment(milliseconds(length))),
        ("Language", transcript.language),
        ("Model", transcript.model),
    )
    return [(name, plain(value)) for name, value in found if value]
