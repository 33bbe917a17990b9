"""`offhook transcribe`: queue files, wait, print what was said."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from offhook.adding import add_file, check_all, chosen, record_options
from offhook.app import App, json_option, pass_app
from offhook.views import print_json, printable, record_view
from shared.errors import EngineUnusable, SettingsError
from shared.models import Record, Worker
from shared.transitions import COMPLETED, PROCESSING, QUEUED
from shared.workers import Presence, lives
from transcribe_worker import model_files, transcript
from transcribe_worker.engine import Engine
from transcribe_worker.exports import FORMATS
from transcribe_worker.filer import file
from transcribe_worker.library import Library
from transcribe_worker.queue import HintQueue
from transcribe_worker.sweeper import EVERY_SECONDS, Sweeper
from transcribe_worker.tasks import Transcriber

LOOK_SECONDS = 0.1
#: A person who waits at the terminal goes first.
PRIORITY = 10


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="What to print (default: txt).",
)
@record_options
@json_option
@pass_app
@click.pass_context
def transcribe(
    ctx: click.Context, app: App, /, files: tuple[Path, ...], form: str | None, as_json: bool, **given: Any
) -> None:
    """Transcribe files and print what was said, with a worker's help or without.

    The files stay where they are. Content that was transcribed before is printed at once, unless
    options are given.
    """
    if form and as_json:
        raise click.UsageError("--format and --json do not go together.")
    options = chosen(given)
    model_files.find(app.settings.models, options.get("model", app.settings.model))
    check_all(files)
    ids = [_queued(app, path, options).id for path in files]
    try:
        with _progress() as progress, _helper(app) as helper:
            records = [_wait(app, record_id, progress, helper) for record_id in ids]
    except KeyboardInterrupt:
        click.echo("Interrupted. It stays in the queue; run it again to go on.", err=True)
        ctx.exit(130)
    if as_json:
        print_json({"records": [_with_text(app, record) for record in records]})
    failed = [record for record in records if not _print(record, form or "txt", quiet=as_json)]
    ctx.exit(1 if failed else 0)


def _queued(app: App, path: Path, options: dict[str, Any]) -> Record:
    """Queue a file; what would keep it waiting for ever is an error now."""
    record = add_file(app, path, options, priority=PRIORITY).record
    if record.transcription_status == QUEUED:
        model_files.find(app.settings.models, record.model or app.settings.model)
        if app.records.paused():
            raise SettingsError("The queue is paused. `offhook resume` goes on.")
    return record


def _wait(app: App, record_id: int, progress: Progress, helper: Helper) -> Record:
    """Wait until a recording is finished, lending a hand where no worker runs."""
    record = app.records.get(record_id)
    task = progress.add_task(record.title, total=1.0)
    while record.transcription_status in (QUEUED, PROCESSING) and record.error_code != EngineUnusable.code:
        if not _worker_lives(app):
            helper.lend_a_hand(record)
        time.sleep(LOOK_SECONDS)
        record = app.records.get(record_id)
        _show(progress, task, record)
    progress.update(task, completed=1.0)
    return record


def _show(progress: Progress, task: TaskID, record: Record) -> None:
    error = f" ({record.transcription_error})" if record.transcription_error else ""
    progress.update(task, completed=record.progress, description=f"{record.title}{error}")


def _worker_lives(app: App) -> bool:
    workers = Worker.select().where(Worker.kind == "worker")
    return any(lives(app.settings.locks, worker.id) for worker in workers)


class Helper:
    """This very process as a worker: a sweeper, and one recording at a time in a thread of its own."""

    def __init__(self, app: App, presence: Presence, hints: HintQueue) -> None:
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._stopping = threading.Event()
        library = Library(app.settings, app.records)
        self._sweeper = Sweeper(app.settings, app.database, app.records, hints, library)
        self._next_sweep = 0.0
        self._disconnect = app.database.close  # a thread's own connection
        self._transcriber = Transcriber(
            settings=app.settings,
            records=app.records,
            library=library,
            worker_id=presence.worker_id,
            engine=Engine(),
            stopping=self._stopping,
            report=lambda _: None,
            file=partial(file, library),
        )

    def lend_a_hand(self, record: Record) -> None:
        """Do what a worker would do: sweep now and then, and begin with a recording that waits."""
        if self._error:
            raise self._error
        if time.monotonic() > self._next_sweep:
            self._sweeper.sweep()
            self._next_sweep = time.monotonic() + EVERY_SECONDS
        busy = self._thread is not None and self._thread.is_alive()
        if record.transcription_status == QUEUED and not busy:
            self._thread = threading.Thread(target=self._transcribe, args=(record.id,))
            self._thread.start()

    def _transcribe(self, record_id: int) -> None:
        try:
            self._transcriber.transcribe(record_id)
        except Exception as error:  # the waiting thread tells the person
            self._error = error
        finally:
            self._disconnect()

    def stop(self) -> None:
        """Hand back what is under way and end the engine."""
        self._stopping.set()
        if self._thread:
            self._thread.join()
        self._transcriber.engine.close()


@contextmanager
def _helper(app: App) -> Iterator[Helper]:
    for name in ("SIGTERM", "SIGHUP"):  # a closed terminal is an interruption as well
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    presence = Presence(app.database, app.settings.locks, "command").enter()
    with closing(HintQueue(app.settings.queue)) as hints:
        helper = Helper(app, presence, hints)
        try:
            yield helper
        finally:
            helper.stop()
            presence.leave()


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def _print(record: Record, form: str, *, quiet: bool) -> bool:
    """Print a transcript, or on stderr why there is none; say whether there is one."""
    if record.transcription_status == COMPLETED:
        if not quiet:
            click.echo(FORMATS[form](transcript.load(record)), nl=False)
        return True
    why = record.transcription_error or f"it was {record.transcription_status}."
    click.echo(printable(f"offhook: {record.title}: {why}"), err=True)
    return False


def _with_text(app: App, record: Record) -> dict[str, Any]:
    text = transcript.load(record).text if record.transcription_status == COMPLETED else None
    return {**record_view(record, app.settings), "text": text}
