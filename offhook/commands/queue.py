"""Commands that change the queue: add, retry, cancel, delete, pause, resume."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from offhook.adding import add_file, check_all, chosen, record_options
from offhook.app import App, json_option, pass_app
from offhook.views import print_json, record_view
from shared.errors import SettingsError, StateConflict
from shared.models import Record
from shared.transitions import FAILED
from transcribe_worker.library import Library

#: How long a worker may take to let go of a recording that is deleted under it.
LET_GO_SECONDS = 5.0

ids = click.argument("record_ids", metavar="ID...", type=int, nargs=-1, required=True)


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--title", help="Title of the recording (default: its file name).")
@click.option("--candidate", "candidate_id", help="Whom the call was with.")
@click.option("--project", "project_id", help="What the call was about.")
@click.option(
    "--priority", type=click.IntRange(-1000, 1000), default=0, show_default=True, help="Higher is sooner."
)
@record_options
@json_option
@pass_app
def add(app: App, /, files: tuple[Path, ...], as_json: bool, **given: Any) -> None:
    """Queue recordings where they are; they are neither moved nor copied."""
    columns = {name: given.pop(name) for name in ("title", "candidate_id", "project_id", "priority")}
    if columns["title"] and len(files) > 1:
        raise click.UsageError("--title goes with one file.")
    options = chosen(given)
    check_all(files)
    views = []
    for path in files:
        added = add_file(app, path, options, **columns)
        views.append(record_view(added.record, app.settings))
        if not as_json:
            known = " (known already)" if added.was_known else ""
            click.echo(f"Recording {added.record.id}: {added.record.transcription_status}{known}")
    if as_json:
        print_json({"records": views})


@click.command()
@click.argument("record_ids", metavar="[ID...]", type=int, nargs=-1)
@click.option("--failed", is_flag=True, help="Retry every recording that has failed.")
@record_options
@pass_app
def retry(app: App, /, record_ids: tuple[int, ...], failed: bool, **given: Any) -> None:
    """Transcribe recordings again, from the start."""
    if failed == bool(record_ids):
        raise click.UsageError("Give recordings, or --failed.")
    options = chosen(given)
    wanted = app.records.select().where(Record.transcription_status == FAILED) if failed else ()
    if failed and not wanted:
        click.echo("No recording has failed.", err=True)
    for record_id in record_ids or [record.id for record in wanted]:
        record = app.records.requeue(record_id, options)
        app.hint(record.id, record.priority)
        click.echo(f"Recording {record_id}: queued")


@click.command()
@ids
@pass_app
def cancel(app: App, record_ids: tuple[int, ...]) -> None:
    """Take recordings out of the queue; one that is being transcribed is stopped."""
    for record_id in record_ids:
        app.records.cancel(record_id)
        click.echo(f"Recording {record_id}: cancelled")


@click.command()
@ids
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_app
def delete(app: App, record_ids: tuple[int, ...], yes: bool) -> None:
    """Delete recordings with all that was made of them.

    A recording that was queued where it is (by `add` or `transcribe`) stays there.
    """
    records = [app.records.get(record_id) for record_id in record_ids]
    library = Library(app.settings, app.records)
    for record in records:
        files = library.files_of(record)
        if not yes:
            _ask(record, files)
        with suppress(StateConflict):  # it is completed
            app.records.cancel(record.id)  # so that no worker writes its files anew
        for path in library.files_of(app.records.get(record.id)):
            _remove(path)
        app.records.delete(record.id)
        click.echo(f"Recording {record.id}: deleted")


def _ask(record: Record, files: list[Path]) -> None:
    if sys.stdin is None or not sys.stdin.isatty():
        raise SettingsError("delete asks before it deletes. Give --yes to delete without being asked.")
    listed = "".join(f"\n  {path}" for path in files)
    click.confirm(
        f'Delete recording {record.id} "{record.title}" and its files?{listed}\n', abort=True, err=True
    )


def _remove(path: Path) -> None:
    """Delete a file; on Windows it has to be let go of first."""
    deadline = time.monotonic() + LET_GO_SECONDS
    while True:
        try:
            path.unlink(missing_ok=True)
            return
        except PermissionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@click.command()
@pass_app
def pause(app: App) -> None:
    """Let workers finish what they hold and take nothing further."""
    app.records.set_paused(True)
    click.echo("Paused. `offhook resume` goes on.")


@click.command()
@pass_app
def resume(app: App) -> None:
    """Let workers go on after a pause."""
    app.records.set_paused(False)
    for record in app.records.due(limit=1):
        app.hint(record.id, record.priority)
    click.echo("The queue goes on.")
