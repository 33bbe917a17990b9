"""Commands that change the queue: add, retry, cancel, pause, resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from offhook.adding import add_file, check_all, chosen, record_options
from offhook.app import App, json_option, pass_app
from offhook.views import print_json, record_view
from shared.models import Record
from shared.transitions import FAILED

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
