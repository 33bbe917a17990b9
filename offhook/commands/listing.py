"""`offhook list`: the recordings, the newest first."""

from __future__ import annotations

import click
from rich.markup import escape
from rich.table import Table

from offhook.commands.options import json_option, limit_option, pass_desk
from offhook.commands.printing import clock_time, console, length, print_json, printable
from offhook.desk.desk import Desk
from offhook.desk.views import record_view
from shared.store.models import Record
from shared.store.transitions import STATES

COLOURS = {
    "queued": "yellow",
    "processing": "cyan",
    "completed": "green",
    "failed": "red",
    "cancelled": "dim",
}


@click.command("list")
@click.option("--status", type=click.Choice(STATES), help="Only recordings in this state.")
@limit_option
@json_option
@pass_desk
def list_records(desk: Desk, status: str | None, limit: int, as_json: bool) -> None:
    """List recordings, the newest first."""
    query = desk.records.select().order_by(Record.id.desc()).limit(limit)
    records = list(query.where(Record.transcription_status == status) if status else query)
    if as_json:
        print_json({"records": [record_view(record, desk.settings) for record in records]})
    else:
        _print(records, status, limit, desk)


def _print(records: list[Record], status: str | None, limit: int, desk: Desk) -> None:
    if records:
        console().print(_table(records))
        count = desk.records.select().count() if len(records) == limit else 0
        if count > limit and not status:
            click.echo(f"{limit} of {count:,}; --limit shows more.", err=True)
    elif status:
        click.echo(f"No recording is {status}.", err=True)
    else:
        click.echo(f"No recordings. Drop one into {desk.settings.inbox}", err=True)


def _table(records: list[Record]) -> Table:
    table = Table("ID", "Title", "Length", "Status", "Added", box=None, header_style="bold")
    for record in records:
        status = record.transcription_status
        shown = f"{status} {record.progress:.0%}" if status == "processing" else status
        error = (
            f"\n[dim]{escape(printable(record.transcription_error))}[/]" if record.transcription_error else ""
        )
        table.add_row(
            str(record.id),
            escape(printable(record.title)) + error,
            length(record.duration_seconds),
            f"[{COLOURS[status]}]{shown}[/]",
            clock_time(record.created_at),
        )
    return table
