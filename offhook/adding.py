"""Queues files where they are; the inbox is for files that offhook may move."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from offhook.app import App
from shared.errors import OffhookError
from shared.models import Record
from shared.settings import coerce
from shared.transitions import COMPLETED, PROCESSING, QUEUED
from transcribe_worker.content import Fingerprint, sha256_of


class CannotAdd(OffhookError):
    """The file cannot be queued."""

    code = "cannot_add"


@dataclass(frozen=True)
class Added:
    """The record of a file, and whether this content was known before."""

    record: Record
    was_known: bool


def add_file(app: App, path: Path, options: Mapping[str, Any], **columns: Any) -> Added:
    """Queue a file, or find the record of its content. Raises CannotAdd.

    Content that was transcribed before is done again only if options are given; what failed is
    always tried again.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 (resolve() would follow links)
    fingerprint, sha256 = _read(path)
    with app.database.atomic():
        known = app.records.with_content(sha256)
        if known is None:
            record = app.records.add(
                source="added",
                title=columns.pop("title", None) or path.stem,
                recording_path=str(path),
                sha256=sha256,
                options=dict(options),
                **asdict(fingerprint),
                **columns,
            )
        elif _is_to_be_done_again(known, options):
            record = app.records.requeue(known.id, options)
        else:
            record = known
    if record.transcription_status == QUEUED:
        app.hint(record.id, record.priority)
    return Added(record, known is not None)


def _is_to_be_done_again(record: Record, options: Mapping[str, Any]) -> bool:
    if record.transcription_status in (QUEUED, PROCESSING):
        return False
    return record.transcription_status != COMPLETED or bool(options)


def _read(path: Path) -> tuple[Fingerprint, str]:
    try:
        str(path).encode()
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise CannotAdd(f"{path} is not a file. Give the recordings themselves, such as {path}/*.wav.")
        return Fingerprint.of(path), sha256_of(path)
    except UnicodeEncodeError:
        raise CannotAdd(f"The name of {path!a} is not valid text. Rename the file and try again.") from None
    except FileNotFoundError:
        raise CannotAdd(f"There is no file {path}.") from None
    except OSError as error:
        raise CannotAdd(f"{path} cannot be read: {error.strerror}.") from error


_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--model", help="Whisper model for this recording."),
    click.option("--language", help="Language spoken, such as en; auto listens for it."),
    click.option("--vad/--no-vad", default=None, help="Skip what is not speech before decoding."),
    click.option(
        "--word-timestamps/--no-word-timestamps", default=None, help="Find the moment of each word."
    ),
    click.option("--initial-prompt", metavar="TEXT", help="Text that shows spelling and style to expect."),
    click.option("--hotwords", metavar="TEXT", help="Names and terms to listen for."),
    click.option("--beam-size", type=int, help="Alternatives followed while decoding."),
)


def record_options(command: _Command) -> _Command:
    """Give a command the options that a person may choose for one recording."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def chosen(options: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the options that were given, checked like settings. Raises SettingsError."""
    return {name: coerce(name, value, "command line") for name, value in options.items() if value is not None}
