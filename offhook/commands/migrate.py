"""`offhook migrate-to`: move this home's records and recordings to a team's server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from archive.migration.migrate import Migration, migrate
from offhook.commands.drawing import progress
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, say, warn
from offhook.commands.wording import counted
from offhook.desk.desk import Desk


@click.command("migrate-to")
@click.argument("url", metavar="URL")
@click.option(
    "--storage",
    metavar="PLACE",
    help="Where the recordings go: a folder, or s3://BUCKET/PREFIX (default: the setting storage).",
)
@click.option(
    "--person", metavar="NAME", help="Who of the team gets the calls as their own (default: nobody)."
)
@json_option
@pass_desk
def migrate_to(desk: Desk, url: str, storage: str | None, person: str | None, as_json: bool) -> None:
    """Move all records to a new PostgreSQL database and their recordings to a storage.

    This home stays as it is. A move that was interrupted goes on when it is run again.
    """
    place = storage or desk.settings.storage
    with _progress() as report:
        done = migrate(desk.settings, desk.store, url, place, report, person)
    if as_json:
        print_json(_view(done))
        return
    warn(_summary(done))
    if done.without_recording:
        numbers = ", ".join(map(str, done.without_recording[:20]))
        more = len(done.without_recording) - 20
        warn(f"Without a recording, as before: {numbers}{f' and {more:,} more' if more > 0 else ''}.")
    warn("Everything was compared. To use it, put this into config.toml of the server's machines:")
    say(f'database = "{done.moved.database}"')
    say(f'storage = "{done.storage}"')
    warn("This home is as it was. Delete its recordings and transcripts when the team's server has a backup.")


def _view(done: Migration) -> dict[str, object]:
    return {
        "database": done.moved.database,
        "storage": done.storage,
        "was_there": done.moved.was_there,
        "recordings": done.recordings,
        "size_bytes": done.size_bytes,
        "without_recording": list(done.without_recording),
        "tables": [asdict(table) for table in done.moved.tables],
    }


def _summary(done: Migration) -> str:
    rows = sum(table.rows for table in done.moved.tables)
    count = next(table.rows for table in done.moved.tables if table.name == "call_records")
    sizes = f"{counted(done.recordings, 'recording')}, {done.size_bytes / 1e6:,.1f} MB"
    content = f"{counted(count, 'call')}, {sizes}; {counted(rows, 'row')} in all"
    return f"{'Were there already' if done.moved.was_there else 'Moved'}: {content}."


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show the progress on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with progress(*columns) as bar:
        task = bar.add_task("")
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)
