"""`offhook audit`: who read, changed or deleted what in a team's home."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from offhook.commands.options import filled, json_option, limit_option, pass_desk
from offhook.commands.printing import print_json, say, warn
from offhook.desk.desk import Desk
from shared.store.audit import Entry
from shared.times import iso

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--person", "person", metavar="NAME", callback=filled, help="What this person did.")
@click.option("--record", "record_id", metavar="ID", type=int, help="What was done with this recording.")
@click.option("--action", metavar="ACTION", callback=filled, help="Entries of this action, such as `read`.")
@click.option("--since", metavar="DATE", type=_DAY, help="Entries of this day (2026-11-30) or later.")
@limit_option
@json_option
@pass_desk
def audit(
    desk: Desk,
    person: str | None,
    record_id: int | None,
    action: str | None,
    since: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show who read, changed or deleted what, the newest first."""
    found = desk.store.audit.entries(
        limit, person=person, record_id=record_id, action=action, since=since.timestamp() if since else None
    )
    if as_json:
        print_json({"entries": [_view(it) for it in found]})
        return
    for each in found:
        say(_line(each))
    if not found:
        warn("Nothing is noted." if desk.store.people.are_there() else "A home without people keeps no log.")


def _view(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "at": iso(entry.at)}


def _line(entry: Entry) -> str:
    at = datetime.fromtimestamp(entry.at).strftime("%Y-%m-%d %H:%M:%S")
    parts = (
        entry.person or "(unknown)",
        entry.action,
        f"recording {entry.record_id}" if entry.record_id is not None else "",
        entry.detail,
        f"from {entry.address}" if entry.address else "",
    )
    return f"{at}  {'  '.join(part for part in parts if part)}"
