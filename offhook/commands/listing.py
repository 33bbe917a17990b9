"""`offhook list`: the recordings, the newest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import click
from rich.table import Table
from rich.text import Text

from offhook.commands.drawing import cell, show, table
from offhook.commands.options import json_option, limit_option, pass_desk
from offhook.commands.printing import print_json, warn
from offhook.commands.wording import clock_time, length
from offhook.desk.desk import Desk
from offhook.desk.team_server import places
from offhook.desk.views import record_view
from shared.store.transitions import STATES
from shared.store.values import Record

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
    records = desk.store.records.newest(limit, status)
    if as_json:
        print_json({"records": [record_view(record, desk.settings) for record in records]})
    else:
        _print(records, status, limit, desk)


def _print(records: list[Record], status: str | None, limit: int, desk: Desk) -> None:
    if records:
        deleted = desk.store.deletions.due_at([record.id for record in records])
        show(_table(records, deleted, places(desk, records)))
        count = sum(desk.store.records.counts().values()) if len(records) == limit else 0
        if count > limit and not status:
            warn(f"{limit} of {count:,}; --limit shows more.")
    elif status:
        warn(f"No recording is {status}.")
    else:
        warn(f"No recordings. Drop one into {desk.settings.inbox}")


def _table(records: list[Record], deleted: Collection[int], there: Mapping[int, str]) -> Table:
    listed = table("ID", "Title", "Length", "Status", "Added")
    for record in records:
        status = record.transcription_status
        shown = f"{status} {record.progress:.0%}" if status == "processing" else status
        if record.id in there:
            shown = f"{shown}, {there[record.id]}"
        if record.id in deleted:
            shown = f"{shown}, deleted soon"
        listed.add_row(
            str(record.id),
            _title(record),
            length(record.duration_seconds),
            cell(shown, COLOURS.get(status, "red")),
            clock_time(record.created_at),
        )
    return listed


def _title(record: Record) -> Text:
    """Write the title, and below it the error."""
    title = cell(record.title)
    return (
        title.append("\n").append(cell(record.transcription_error, "dim"))
        if record.transcription_error
        else title
    )
