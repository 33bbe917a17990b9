"""A transcript as a file to download, in each format.

A long call is written by a process of its own, and so is a Word document: the whole call or its library would
stay in the server's memory. `python -m offhook.desk.exporting HOME ID FORMAT` is that process; it keeps no
file.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from archive import transcript
from archive.exports import FORMATS
from archive.formats.document import docx_missing
from archive.library import safe_name
from offhook.desk.desk import Desk
from shared.errors import OffhookError, StateConflict
from shared.store.transitions import COMPLETED
from shared.store.values import Record

#: Words up to which the calling process writes a file itself.
SHORT_WORDS = 15_000
PATIENCE_SECONDS = 120.0
#: Formats whose libraries take memory for good.
HEAVY = frozenset({"docx"})


class UnknownFormat(OffhookError):
    """There is no such format."""

    code = "unknown_format"


class ExportFailed(OffhookError):
    """The file could not be written. Try again; `offhook export` says more."""

    code = "export_failed"


@dataclass(frozen=True)
class Export:
    """A file: a name that every system allows, and its content."""

    name: str
    content: bytes


def export(desk: Desk, record_id: int, form: str) -> Export:
    """Return a finished transcript as a file.

    Raises RecordNotFound, UnknownFormat, StateConflict, ExtraMissing, ExportFailed.
    """
    record = desk.store.records.get(record_id)
    if form not in FORMATS:
        raise UnknownFormat(f"There is no format {form!a}. There are {', '.join(FORMATS)}.")
    if record.transcription_status != COMPLETED:
        raise StateConflict(f"Recording {record_id} is {record.transcription_status}, and not completed.")
    if form == "docx" and find_spec("docx") is None:
        raise docx_missing()
    is_short = form not in HEAVY and desk.store.parts.words(record_id) <= SHORT_WORDS
    content = _written(desk, record, form) if is_short else _written_elsewhere(desk, record, form)
    return Export(f"{safe_name(record.title)}.{form}", content)


def _written(desk: Desk, record: Record, form: str) -> bytes:
    return FORMATS[form].content(transcript.load(desk.store, record, desk.settings.my_name))


def _written_elsewhere(desk: Desk, record: Record, form: str) -> bytes:
    home = str(desk.settings.home)
    command = [sys.executable, "-m", "offhook.desk.exporting", home, str(record.id), form]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ExportFailed from None
    if done.returncode:
        raise ExportFailed
    return done.stdout


def main(home: str, record_id: str, form: str) -> None:
    """Write a file to the standard output."""
    with Desk({"home": home}) as desk:
        content = _written(desk, desk.store.records.get(int(record_id)), form)
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
