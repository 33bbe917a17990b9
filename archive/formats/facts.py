"""What a document says of a call before its text."""

from __future__ import annotations

from archive.formats.times import moment
from archive.passages import plain
from archive.transcript import Transcript
from shared.words import milliseconds


def heading(transcript: Transcript) -> str:
    """Return the title of a document."""
    return plain(transcript.title) or f"Recording {transcript.record_id}"


def facts(transcript: Transcript) -> list[tuple[str, str]]:
    """Return the facts that a document names, each with its value."""
    length = transcript.duration_seconds
    found = (
        ("Length", None if length is None else moment(milliseconds(length))),
        ("Language", transcript.language),
        ("Model", transcript.model),
    )
    return [(name, plain(value)) for name, value in found if value]
