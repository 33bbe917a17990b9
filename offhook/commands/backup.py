"""`offhook backup`: copy everything while it runs; `offhook restore`: bring it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

from archive.backup.make import CHANGED, GONE, UNREADABLE, back_up
from archive.backup.manifest import Manifest
from archive.backup.restore import restore as bring_back
from offhook.commands.drawing import progress
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, say, warn
from offhook.commands.wording import counted, short
from offhook.desk.desk import Desk

REASONS = {
    GONE: "is gone",
    CHANGED: "has other content than when it was queued; it was copied as it is",
    UNREADABLE: "cannot be read",
}


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@json_option
@pass_desk
@click.pass_context
def backup(ctx: click.Context, desk: Desk, folder: Path, as_json: bool) -> None:
    """Copy recordings, transcripts and the database into a new folder in DIR, while everything runs."""
    with _progress() as report:
        made = back_up(desk.settings, desk.store, folder, report)
    if as_json:
        print_json({"path": str(made.path), **_view(made.manifest)})
    else:
        say(str(made.path))
        warn(_summary(made.manifest))
        _tell_missing(made.manifest)
    ctx.exit(1 if made.manifest.missing else 0)


@click.command()
@click.argument("folder", metavar="BACKUP", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--into",
    metavar="HOME",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to restore into (default: the home folder).",
)
@json_option
@pass_desk
def restore(desk: Desk, folder: Path, into: Path | None, as_json: bool) -> None:
    """Bring a backup back, into a home that has no recordings."""
    if into:
        desk.overrides = {**desk.overrides, "home": str(into)}
    with _progress() as report:
        done = bring_back(folder.absolute(), desk.settings, report)
    if as_json:
        print_json({"home": str(done.home), "queued_again": done.queued_again, **_view(done.manifest)})
        return
    say(f"Restored into {done.home}")
    warn(_summary(done.manifest))
    if done.queued_again:
        warn(f"Being transcribed when the backup was made, and queued again: {done.queued_again}.")
    _tell_missing(done.manifest)


def _view(manifest: Manifest) -> dict[str, object]:
    elsewhere = [{"record_id": entry.record_id, "path": entry.path} for entry in manifest.elsewhere]
    return {
        "created_at": manifest.created_at,
        "counts": manifest.counts,
        "files": len(manifest.files),
        "size_bytes": manifest.size_bytes,
        "missing": [asdict(entry) for entry in manifest.missing],
        "elsewhere": elsewhere,
    }


def _summary(manifest: Manifest) -> str:
    records, files = sum(manifest.counts.values()), len(manifest.files)
    content = (
        f"{counted(records, 'recording')}, {counted(files, 'file')}, {manifest.size_bytes / 1e6:,.1f} MB"
    )
    if not manifest.elsewhere:
        return f"{content}."
    return f"{content}. Not in it: {counted(len(manifest.elsewhere), 'file')} outside of the home."


def _tell_missing(manifest: Manifest) -> None:
    for entry in manifest.missing:
        whose = f"recording {entry.record_id}" if entry.record_id else "a recording that is not queued yet"
        warn(f"offhook: {whose}: {short(entry.path)} {REASONS[entry.reason]}.")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show the progress on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with progress(*columns) as bar:
        task = bar.add_task("")
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)
