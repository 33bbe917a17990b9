"""Transcripts as plain text."""

from __future__ import annotations

from archive.formats.times import moment
from archive.passages import Passage, passages
from archive.transcript import Transcript


def as_text(transcript: Transcript) -> str:
    """Write a line for each passage, with its time and speaker if any speaker is known."""
    found = [passage for passage in passages(transcript) if passage.line]
    if any(passage.speaker for passage in found):
        return "".join(f"[{moment(passage.start_ms)}] {spoken(passage)}\n" for passage in found)
    return "".join(f"{passage.line}\n" for passage in found)


def spoken(passage: Passage) -> str:
    """Return a passage as one line: who said what."""
    name = passage.shown_name
    return f"{name}: {passage.line}" if name else passage.line
