"""`offhook rebuild`: make the records again from the transcripts in the library."""

from __future__ import annotations

from datetime import datetime

import click

from archive.library import Library
from archive.rebuild import rebuild as make_again
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, say, warn
from offhook.commands.wording import counted
from offhook.desk.desk import Desk
from shared.errors import SettingsError, StoreDamaged
from shared.locks import is_free


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would be made again, and change nothing.")
@json_option
@pass_desk
@click.pass_context
def rebuild(ctx: click.Context, desk: Desk, dry_run: bool, as_json: bool) -> None:
    """Make the records of transcripts in the library again, for a database that was lost or emptied.

    What the database has is not touched. A database that is damaged is kept beside the new one.
    """
    if not dry_run:
        _set_damaged_aside(desk)
    with Library(desk.settings, desk.store).alone():
        found = list(make_again(desk.settings, desk.store, dry_run=dry_run))
    failed = [entry for entry in found if entry.error]
    if as_json:
        rows = [
            {
                "path": str(entry.path),
                "record_id": entry.record_id,
                "recording": str(entry.recording) if entry.recording else None,
                "error": entry.error,
            }
            for entry in found
        ]
        print_json({"dry_run": dry_run, "transcripts": rows})
    else:
        for entry in failed:
            warn(f"offhook: {entry.path}: {entry.error}")
        verb = "would be made again. Nothing was changed." if dry_run else "made again."
        say(f"{counted(len(found) - len(failed), 'recording')} {verb}")
    ctx.exit(1 if failed else 0)


def _set_damaged_aside(desk: Desk) -> None:
    """Rename a database that cannot be opened. Raises SettingsError while something runs in the home."""
    try:
        if desk.store.check() is None:
            return
    except StoreDamaged:
        pass
    busy = [lock for lock in desk.settings.locks.glob("*.lock") if not is_free(lock)]
    if busy:
        raise SettingsError(f"offhook is running in {desk.settings.home}. Stop it, and rebuild again.")
    if "store" in desk.__dict__:
        desk.store.disconnect()
        del desk.__dict__["store"]
    moment = datetime.now().strftime("%Y%m%d-%H%M%S")
    for path in sorted(desk.settings.home.glob("offhook.db*"), reverse=True):
        if path.name in ("offhook.db", "offhook.db-wal", "offhook.db-shm"):
            path.replace(path.with_name(f"{path.name}.damaged-{moment}"))
    warn(f"The damaged database is kept beside the new one: offhook.db.damaged-{moment}")
