"""The logs: what happened to which recording, by its number, and never whom it was with or what was said.

Titles, names of files and words of a transcript reach a log most easily inside of an error's message, or in
the statements that a library logs. So errors are told by their kind, and only offhook's own loggers follow
the setting.
"""

from __future__ import annotations

import json
import logging
import platform
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from types import TracebackType
from typing import Any

from shared.errors import OffhookError
from shared.plain_text import lines
from shared.settings import Settings

log = logging.getLogger(__name__)

#: The loggers that follow the level; peewee at DEBUG logs each statement with its values.
OWN_LOGGERS = (
    "shared",
    "archive",
    "capture_worker",
    "transcribe_worker",
    "outbox_worker",
    "offhook",
    "__main__",
)
LIBRARIES_LEVEL = logging.WARNING
_SUBJECT = re.compile(r"\brecording %[ds]|\bcall %s")


def log_to(settings: Settings, kind: str) -> None:
    """Log to the console and to a file of this kind of process."""
    file = RotatingFileHandler(
        settings.logs / f"{kind}.log", maxBytes=2_000_000, backupCount=3, encoding="utf-8", delay=True
    )
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr), file]
    for handler in handlers:
        handler.setFormatter(_formatter(settings.log_format, kind))
    logging.basicConfig(level=LIBRARIES_LEVEL, handlers=handlers, force=True)
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(settings.log_level)
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # it calls a normal stop an error


def log_faults() -> None:
    """Log uncaught exceptions of all threads like other errors."""
    sys.excepthook = _note_fault
    threading.excepthook = lambda fault: _note_fault(fault.exc_type, fault.exc_value, fault.exc_traceback)


def discreet(error: BaseException) -> str:
    """Describe an error without what its message may name: a file, a title, a value."""
    kind = type(error).__name__
    if isinstance(error, OffhookError):
        return error.code
    if isinstance(error, OSError):
        return f"{kind}: {error.strerror}" if error.strerror else kind
    return kind


class DatabaseTrouble:
    """Logs that the database, or `what` else is named, cannot be used, and that it can be used again.

    Each reason is logged once.
    """

    def __init__(self, log: logging.Logger, what: str = "database") -> None:
        self._log, self._what, self._codes = log, what, set[str]()

    def note(self, error: OffhookError) -> None:
        """Log an error, unless its code was logged since the database was usable."""
        if error.code not in self._codes:
            self._codes.add(error.code)
            self._log.warning("the %s cannot be used: %s", self._what, error.code)

    def is_over(self) -> None:
        """Note that the database can be used."""
        if self._codes:
            self._codes.clear()
            self._log.info("the %s can be used again", self._what)


class DiscreetFormatter(logging.Formatter):
    """Writes where an exception came from, and its kind; the lines are safe to print."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; only its traceback has lines of its own."""
        return lines(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging's name)
        """Write the tracebacks of an exception and of its causes, the first one first."""
        return "\n".join(_lines(ei[1])).rstrip()


class JsonFormatter(DiscreetFormatter):
    """Writes a JSON object for each record, in one line of ASCII; the time is RFC 3339 in UTC.

    Whose recording or call a message is about is told by its text: "recording %d" and "call %s".
    """

    def __init__(self, kind: str, host: str) -> None:
        super().__init__()
        self._process = {"process": kind, "host": host}

    def format(self, record: logging.LogRecord) -> str:
        """Write a record with its traceback."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        found = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._process,
            "pid": record.process,
            **_subject(record),
        }
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return json.dumps(found, default=str)


def _formatter(log_format: str, kind: str) -> logging.Formatter:
    if log_format == "json":
        return JsonFormatter(kind, platform.node())
    return DiscreetFormatter("%(asctime)s %(levelname)s %(message)s")


def _subject(record: logging.LogRecord) -> dict[str, Any]:
    """Return the number of the recording, or the session of the call, that a message names."""
    if not isinstance(record.msg, str) or not isinstance(record.args, tuple):
        return {}
    found = _SUBJECT.search(record.msg)
    place = found and record.msg.count("%", 0, found.start())
    if found is None or place is None or place >= len(record.args):
        return {}
    return {"session_id" if found[0].endswith("s") else "record_id": record.args[place]}


def _lines(error: BaseException | None) -> Iterator[str]:
    if error is None:
        return
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from _lines(before)
    yield "".join(traceback.format_tb(error.__traceback__)) + discreet(error)


def _note_fault(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    log.critical("a fault in offhook itself", exc_info=(kind, error or kind(), trace))
