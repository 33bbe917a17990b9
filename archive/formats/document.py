"""Transcripts as Word documents (Office Open XML)."""

from __future__ import annotations

import io
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

from archive.formats.facts import facts, heading, notes
from archive.formats.times import moment
from archive.passages import Passage, passages, turns
from archive.transcript import Transcript
from shared.errors import ExtraMissing


def as_docx(transcript: Transcript) -> bytes:
    """Write a heading, the facts of the call, a paragraph for each turn, notes. Raises ExtraMissing."""
    document = _new_document()
    title = heading(transcript)
    document.core_properties.title = title[:255]
    document.core_properties.author = "offhook"
    document.core_properties.comments = ""
    document.add_heading(title, level=1)
    for name, value in facts(transcript):
        document.add_paragraph(f"{name}: {value}")
    _add_all(document, list(turns(passage for passage in passages(transcript) if passage.line)))
    if found := notes(transcript):
        document.add_heading("Notes", level=2)
        for at, text in found:
            document.add_paragraph(f"[{at}] {text}")
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _new_document() -> Any:
    try:
        import docx  # an extra, which few need
    except ImportError as error:
        raise docx_missing() from error
    return docx.Document()


def docx_missing() -> ExtraMissing:
    """Return the error that names the missing package."""
    return ExtraMissing(
        f'DOCX needs the package python-docx. Install it: "{sys.executable}" -m pip install python-docx'
    )


def _add_all(document: Any, found: Sequence[tuple[Passage, ...]]) -> None:
    """Add a paragraph for each turn: the last one first, as to append takes longer the more there are."""
    if found:
        last = document.add_paragraph()
        for turn in found[:-1]:
            _add(last.insert_paragraph_before(), turn)
        _add(last, found[-1])


def _add(paragraph: Any, turn: tuple[Passage, ...]) -> None:
    """Fill a paragraph: the speaker, the time, and what was said on a line of its own."""
    text = " ".join(passage.line for passage in turn)
    if name := turn[0].shown_name:
        paragraph.add_run(f"{name} ").bold = True
    said = paragraph.add_run()
    said.add_text(f"[{moment(turn[0].start_ms)}]")
    said.add_break()
    said.add_text(text)
    if _is_from_right_to_left(text):
        said.font.rtl = True
        paragraph.alignment = _right()


def _right() -> Any:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    return WD_ALIGN_PARAGRAPH.RIGHT


def _is_from_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction is one of Hebrew, Arabic and the like (UAX #9, P2 and P3)."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((it for it in directions if it in ("L", "R", "AL")), "L") != "L"
