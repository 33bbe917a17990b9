"""A transcript as a file to download, in each format.

A long call is written by a process of its own, and so is a Word document: the whole call or its library would
stay in the server's memory. `python -m offhook.desk.exporting HOME ID FORMAT` is that process; it writes to a
pipe, piece by piece, and keeps no file.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain

from archive import transcript
from archive.exports import FORMATS
from archive.formats.document import docx_missing
from archive.library import safe_name
from offhook.desk.desk import Desk
from shared.errors import OffhookError, StateConflict
from shared.store.transitions import COMPLETED
from shared.store.values import Record
from shared.windows import CREATE_NO_WINDOW, creation_flags

#: Words up to which the calling process writes a file, or a message of a hook, itself.
SHORT_WORDS = 15_000
PATIENCE_SECONDS = 120.0
#: Processes at once: each has a whole call in memory until all of it is read.
MOST_AT_ONCE = 2
_places = threading.BoundedSemaphore(MOST_AT_ONCE)
PIECE_BYTES = 64 * 1024
#: Formats whose libraries take memory for good.
HEAVY = frozenset({"docx"})


class UnknownFormat(OffhookError):
    """There is no such format."""

    code = "unknown_format"


class ExportFailed(OffhookError):
    """The file could not be written. Try again; `offhook export` says more."""

    code = "export_failed"


class ExportsBusy(OffhookError):
    """Other long calls are being exported. Try again in a minute."""

    code = "exports_busy"


@dataclass(frozen=True)
class Export:
    """A file: a name that every system allows, and its content, whole or in pieces.

    If the pieces cannot all be had, ExportFailed is raised among them.
    """

    name: str
    content: bytes | Iterator[bytes]


def export(desk: Desk, record_id: int, form: str) -> Export:
    """Return a finished transcript as a file.

    Raises RecordNotFound, UnknownFormat, StateConflict, ExtraMissing, ExportFailed, ExportsBusy.
    """
    record = desk.store.records.get(record_id)
    if form not in FORMATS:
        raise UnknownFormat(f"There is no format {form!a}. There are {', '.join(FORMATS)}.")
    if record.transcription_status != COMPLETED:
        raise StateConflict(f"Recording {record_id} is {record.transcription_status}, and not completed.")
    if form == "docx" and find_spec("docx") is None:
        raise docx_missing()
    is_short = form not in HEAVY and desk.store.parts.words(record_id) <= SHORT_WORDS
    write = _written if is_short else _written_elsewhere
    content: bytes | Iterator[bytes] = write(desk, record, form)
    return Export(f"{safe_name(record.title)}.{form}", content)


def _written(desk: Desk, record: Record, form: str) -> bytes:
    return FORMATS[form].content(transcript.load(desk.store, record, desk.settings.my_name))


def _written_elsewhere(desk: Desk, record: Record, form: str) -> Iterator[bytes]:
    """Start the process that writes a file, and return what it writes. Raises ExportFailed, ExportsBusy."""
    home = str(desk.settings.home)
    command = [sys.executable, "-m", "offhook.desk.exporting", home, str(record.id), form]
    pieces = _pieces(_started(command))
    try:
        first = next(pieces)  # a process that cannot begin is an error, and no file that ends too early
    except StopIteration:
        first = b""
    return chain((first,), pieces)


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a process if there is a place for it. Raises ExportsBusy."""
    if not _places.acquire(blocking=False):
        raise ExportsBusy
    try:
        flags = creation_flags(CREATE_NO_WINDOW)
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, creationflags=flags
        )
    except BaseException:
        _places.release()
        raise
    threading.Thread(target=_watch, args=(process,), daemon=True).start()
    return process


def _watch(process: subprocess.Popen[bytes]) -> None:
    """Free the place of a process when it has ended; one that nobody reads from is ended."""
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        _places.release()


def _pieces(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Yield what a process writes; end it, also if the reader stops early."""
    assert process.stdout
    try:
        while piece := process.stdout.read(PIECE_BYTES):
            yield piece
        if process.wait():
            raise ExportFailed
    finally:
        process.stdout.close()
        process.kill()
        process.wait()


def main(home: str, record_id: str, form: str) -> None:
    """Write a file to the standard output."""
    with Desk({"home": home}) as desk:
        content = _written(desk, desk.store.records.get(int(record_id)), form)
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
