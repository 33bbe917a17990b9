"""`offhook verify-storage`: compare the team's storage with the records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from archive.storage.inspection import Findings, inspect
from archive.storage.storage import storage_of
from offhook.commands.drawing import progress
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, say, warn
from offhook.commands.wording import counted
from offhook.desk.desk import Desk
from shared.store.values import Record


@click.command("verify-storage")
@click.option("--hashes", is_flag=True, help="Read every recording and compare its hash, not its size alone.")
@json_option
@pass_desk
@click.pass_context
def verify_storage(ctx: click.Context, desk: Desk, hashes: bool, as_json: bool) -> None:
    """Compare the team's storage with the records: what is missing, damaged or unknown there."""
    storage = storage_of(desk.settings)
    with _progress() as report:
        found = inspect(storage, desk.store, report, with_hashes=hashes)
    if as_json:
        print_json(_view(found, hashes))
    else:
        _tell(found)
    ctx.exit(0 if found.are_good else 1)


def _view(found: Findings, hashes: bool) -> dict[str, Any]:
    return {
        "objects": found.objects,
        "records": found.records,
        "hashes": hashes,
        "missing": [_named(record) for record in found.missing],
        "damaged": [_named(record) for record in found.damaged],
        "unknown": found.unknown,
    }


def _named(record: Record) -> dict[str, Any]:
    return {"record_id": record.id, "storage_key": record.storage_key}


def _tell(found: Findings) -> None:
    for what, records in (("missing", found.missing), ("damaged", found.damaged)):
        for record in records:
            say(f"{what}: recording {record.id} ({record.storage_key})")
    for key in found.unknown:
        say(f"unknown: {key}")
    warn(
        f"{counted(found.records, 'recording')}, {counted(found.objects, 'object')}: "
        f"{len(found.missing):,} missing, {len(found.damaged):,} damaged, {len(found.unknown):,} unknown."
    )


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show the progress on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with progress(*columns) as bar:
        task = bar.add_task("recordings")
        yield lambda done, total: bar.update(task, completed=done, total=total)
