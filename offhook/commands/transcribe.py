"""`offhook transcribe`: queue files, wait, print what was said."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars  # noqa: TID251 (its type alone)

from archive import transcript
from archive.exports import FORMATS, TEXTS
from archive.passages import text_of
from offhook.commands.drawing import progress as bars
from offhook.commands.options import chosen, json_option, pass_desk, record_options
from offhook.commands.printing import print_json, print_text, warn
from offhook.desk.adding import add_file, check_all
from offhook.desk.desk import Desk
from offhook.desk.views import record_view
from shared.errors import EngineUnusable, SettingsError
from shared.plain_text import one_line
from shared.store.transitions import COMPLETED, PROCESSING, QUEUED
from shared.store.values import Record
from transcribe_worker import model_files
from transcribe_worker.helper import Helper, helping

#: How often this process looks after its own worker, if nothing changes.
LOOK_SECONDS = 1.0
#: A person who waits at the terminal goes first.
PRIORITY = 10


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(TEXTS),
    help="What to print (default: txt).",
)
@record_options
@json_option
@pass_desk
@click.pass_context
def transcribe(
    ctx: click.Context, desk: Desk, /, files: tuple[Path, ...], form: str | None, as_json: bool, **given: Any
) -> None:
    """Transcribe files and print what was said, with a worker's help or without.

    The files stay where they are. Content that was transcribed before is printed at once, unless
    options are given.
    """
    if form and as_json:
        raise click.UsageError("--format and --json do not go together.")
    options = chosen(given)
    _require_model(desk, options.get("model", desk.settings.model))
    check_all(files)
    ids = [_queued(desk, path, options).id for path in files]
    try:
        _interrupt_on_end()
        with _progress() as progress, helping(desk.settings, desk.store) as helper:
            records = [_wait(desk, record_id, progress, helper) for record_id in ids]
    except KeyboardInterrupt:
        warn("Interrupted. It stays in the queue; run it again to continue.")
        ctx.exit(130)
    if as_json:
        print_json({"records": [_with_text(desk, record) for record in records]})
    shown = [_print(desk, record, form or "txt", quiet=as_json) for record in records]
    ctx.exit(0 if all(shown) else 1)


def _queued(desk: Desk, path: Path, options: dict[str, Any]) -> Record:
    """Queue a file; what would keep it waiting for ever is an error now."""
    record = add_file(desk, path, options, priority=PRIORITY).record
    if record.transcription_status == QUEUED:
        _require_model(desk, record.model or desk.settings.model)
        if desk.store.controls.paused():
            raise SettingsError("The queue is paused. `offhook resume` ends the pause.")
    return record


def _require_model(desk: Desk, model: str) -> None:
    """Make sure that a recording does not wait for ever. Raises ModelMissing, SettingsError."""
    if not desk.store.outbox.is_joined():
        model_files.find(desk.settings.models, model)
    elif not desk.runs("outbox"):
        raise SettingsError("No outbox runs, so nothing is sent to the server. Start it: python start.py")


def _wait(desk: Desk, record_id: int, progress: Bars, helper: Helper) -> Record:
    """Wait until a recording is finished, lending a hand where no worker runs."""
    record = desk.store.records.get(record_id)
    task = progress.add_task(one_line(record.title), total=1.0)
    with desk.store.feed() as changes:
        while _is_open(record):
            if not desk.runs("worker") and not desk.store.outbox.is_joined():
                helper.help_with(record)
            changes.wait(LOOK_SECONDS)
            record = desk.store.records.get(record_id)
            _show(progress, task, record)
    progress.update(task, completed=1.0)
    return record


def _is_open(record: Record) -> bool:
    return record.transcription_status in (QUEUED, PROCESSING) and record.error_code != EngineUnusable.code


def _show(progress: Bars, task: TaskID, record: Record) -> None:
    error = f" ({record.transcription_error})" if record.transcription_error else ""
    progress.update(task, completed=record.progress, description=one_line(f"{record.title}{error}"))


def _interrupt_on_end() -> None:
    """Treat a closed terminal as an interruption as well."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)


def _progress() -> Bars:
    title = TextColumn("{task.description}", markup=False)
    return bars(title, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())


def _print(desk: Desk, record: Record, form: str, *, quiet: bool) -> bool:
    """Print a transcript, or on stderr why there is none; say whether there is one."""
    if record.transcription_status == COMPLETED:
        if not quiet:
            write = FORMATS[form].text
            assert write
            print_text(
                write(transcript.load(desk.store, record, desk.settings.my_name)), is_json=form == "json"
            )
        return True
    why = record.transcription_error or f"it was {record.transcription_status}."
    warn(f"offhook: {record.title}: {why}")
    return False


def _with_text(desk: Desk, record: Record) -> dict[str, Any]:
    is_done = record.transcription_status == COMPLETED
    text = text_of(transcript.load(desk.store, record, desk.settings.my_name)) if is_done else None
    return {**record_view(record, desk.settings), "text": text}
