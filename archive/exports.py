"""Transcripts as files: one table of formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archive.formats.data import as_json
from archive.formats.document import as_docx
from archive.formats.markdown import as_markdown
from archive.formats.subtitles import as_srt, as_vtt
from archive.formats.tables import as_csv
from archive.formats.text import as_text
from archive.transcript import Transcript


@dataclass(frozen=True)
class Format:
    """A format of transcripts: the content of its file, and whether the library has one of each recording.

    `text` is None for a format that is not text.
    """

    content: Callable[[Transcript], bytes]
    text: Callable[[Transcript], str] | None = None
    in_library: bool = False


def _of_text(
    text: Callable[[Transcript], str], *, in_library: bool = False, encoding: str = "utf-8"
) -> Format:
    return Format(lambda transcript: text(transcript).encode(encoding), text, in_library)


#: The formats by the ending of their files.
FORMATS = {
    "txt": _of_text(as_text, in_library=True),
    "md": _of_text(as_markdown),
    "srt": _of_text(as_srt, in_library=True),
    "vtt": _of_text(as_vtt, in_library=True),
    "json": _of_text(as_json, in_library=True),
    "csv": _of_text(as_csv, encoding="utf-8-sig"),  # otherwise Excel reads it in the system's code page
    "docx": Format(as_docx),
}
TEXTS = tuple(suffix for suffix, form in FORMATS.items() if form.text)
IN_LIBRARY = tuple(suffix for suffix, form in FORMATS.items() if form.in_library)
