"""Commands that change the queue: add, retry, cancel, pause, resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from offhook.commands.options import chosen, filled, json_option, pass_desk, record_options
from offhook.commands.printing import print_json, say, warn
from offhook.desk import queueing
from offhook.desk.adding import add_file, check_all
from offhook.desk.bulk import done
from offhook.desk.desk import Desk
from offhook.desk.views import record_view
from shared.store.transitions import FAILED

ids = click.argument("record_ids", metavar="ID...", type=int, nargs=-1, required=True)


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--title", callback=filled, help="Title of the recording (default: its file name).")
@click.option("--candidate", "candidate_id", callback=filled, help="Whom the call was with.")
@click.option("--project", "project_id", callback=filled, help="What the call was about.")
@click.option(
    "--priority", type=click.IntRange(-1000, 1000), default=0, show_default=True, help="Higher is sooner."
)
@record_options
@json_option
@pass_desk
def add(desk: Desk, /, files: tuple[Path, ...], as_json: bool, **given: Any) -> None:
    """Queue recordings where they are; they are neither moved nor copied."""
    columns = {name: given.pop(name) for name in ("title", "candidate_id", "project_id", "priority")}
    if columns["title"] and len(files) > 1:
        raise click.UsageError("--title goes with one file.")
    options = chosen(given)
    check_all(files)
    views = []
    for path in files:
        added = add_file(desk, path, options, **columns)
        views.append(record_view(added.record, desk.settings))
        if not as_json:
            known = " (known already)" if added.was_known else ""
            say(f"Recording {added.record.id}: {added.record.transcription_status}{known}")
    if as_json:
        print_json({"records": views})


@click.command()
@click.argument("record_ids", metavar="[ID...]", type=int, nargs=-1)
@click.option("--failed", is_flag=True, help="Retry every recording that has failed.")
@record_options
@pass_desk
def retry(desk: Desk, /, record_ids: tuple[int, ...], failed: bool, **given: Any) -> None:
    """Transcribe recordings again, from the start."""
    if failed == bool(record_ids):
        raise click.UsageError("Give recordings, or --failed.")
    options = chosen(given)
    wanted = list(desk.store.records.every(FAILED)) if failed else []
    if failed and not wanted:
        warn("No recording has failed.")
    for record_id in record_ids or [record.id for record in wanted]:
        done(queueing.retry(desk, [record_id], options))
        say(f"Recording {record_id}: queued")


@click.command()
@ids
@pass_desk
def cancel(desk: Desk, record_ids: tuple[int, ...]) -> None:
    """Take recordings out of the queue; one that is being transcribed is stopped."""
    for record_id in record_ids:
        done(queueing.cancel(desk, [record_id]))
        say(f"Recording {record_id}: cancelled")


@click.command()
@pass_desk
def pause(desk: Desk) -> None:
    """Let workers finish their recordings and take no further ones."""
    queueing.pause(desk)
    say("Paused. `offhook resume` ends the pause.")


@click.command()
@pass_desk
def resume(desk: Desk) -> None:
    """Let workers take recordings again after a pause."""
    queueing.resume(desk)
    say("The queue continues.")
