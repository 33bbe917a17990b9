"""Transcripts as a table of comma-separated values (RFC 4180)."""

from __future__ import annotations

import csv
import io

from archive.passages import Passage, passages
from archive.transcript import Transcript
from shared.words import seconds

COLUMNS = ("start_seconds", "end_seconds", "speaker", "speaker_id", "speaker_probability", "text", "doubts")
#: A spreadsheet would take a text that begins with one of these for a formula (OWASP, CSV injection).
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def as_csv(transcript: Transcript) -> str:
    """Write a row for each passage; a text that looks like a formula gets an apostrophe before it."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    rows.writerows(map(_row, (passage for passage in passages(transcript) if passage.line)))
    return file.getvalue()


def _row(passage: Passage) -> tuple[object, ...]:
    return (
        seconds(passage.start_ms),
        seconds(passage.end_ms),
        neutral(passage.shown_name or ""),
        neutral(passage.speaker or ""),
        "" if passage.probability is None else round(passage.probability, 3),
        neutral(passage.line),
        " ".join(passage.doubts),
    )


def neutral(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
