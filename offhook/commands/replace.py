"""`offhook replace`: put the same words right wherever they were said."""

from __future__ import annotations

from typing import Any

import click

from archive import glossary
from archive.formats.times import moment
from offhook.commands.options import filled, json_option, pass_desk
from offhook.commands.printing import confirm, print_json, say, warn
from offhook.commands.wording import counted
from offhook.desk.desk import Desk
from offhook.desk.replacing import Place, Replacement, preview
from offhook.desk.replacing import replace as store_replacement
from shared.words import seconds

#: What a preview shows on a terminal; the JSON has everything.
PLACES_SHOWN, RECORDINGS_SHOWN = 5, 20


@click.command()
@click.argument("old", callback=filled)
@click.argument("new")
@click.argument("record_ids", metavar="[ID...]", type=int, nargs=-1)
@click.option("--everywhere", is_flag=True, help="In all recordings.")
@click.option("--dry-run", is_flag=True, help="Show what would be replaced, and change nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--glossary", "in_glossary", is_flag=True, help="Add NEW to the glossary, too.")
@json_option
@pass_desk
def replace(
    desk: Desk,
    old: str,
    new: str,
    record_ids: tuple[int, ...],
    everywhere: bool,
    dry_run: bool,
    yes: bool,
    in_glossary: bool,
    as_json: bool,
) -> None:
    """Replace words by others in some recordings, or in all; only whole words, whatever their case."""
    if everywhere == bool(record_ids):
        raise click.UsageError("Give recordings, or --everywhere.")
    found = list(preview(desk, old, new, None if everywhere else dict.fromkeys(record_ids)))
    count = sum(len(it.places) for it in found)
    if not as_json:
        _show(found)
    if found and not dry_run:
        if not yes:
            confirm("replace", f"Replace {_places(count, found)}?", asks="it replaces")
        for it in found:
            store_replacement(desk, it)
    is_new = in_glossary and not dry_run and glossary.add(desk.settings.glossary, new)
    if as_json:
        print_json({"dry_run": dry_run, "recordings": [_view(it) for it in found], "in_glossary": is_new})
    else:
        _tell(found, count, dry_run=dry_run)
        if is_new:
            say(f"{new} is in the glossary.")


def _tell(found: list[Replacement], count: int, *, dry_run: bool) -> None:
    if not found:
        warn("Nothing found.")
    elif dry_run:
        say(f"{_places(count, found)} would be replaced. Nothing was changed.")
    else:
        say(f"{_places(count, found)} replaced. `offhook edit ID --undo` undoes that in a recording.")


def _places(count: int, found: list[Replacement]) -> str:
    return f"{counted(count, 'place')} in {counted(len(found), 'recording')}"


def _show(found: list[Replacement]) -> None:
    for it in found[:RECORDINGS_SHOWN]:
        say(f"{it.record.id:>5}  {it.record.title}", *map(_line, it.places[:PLACES_SHOWN]))
        if (more := len(it.places) - PLACES_SHOWN) > 0:
            say(f"       and {counted(more, 'more place')}")
    if (more := len(found) - RECORDINGS_SHOWN) > 0:
        say(f"       and {counted(more, 'more recording')}")


def _line(place: Place) -> str:
    return f"       {moment(place.start_ms)}  {place.before}[{place.found} -> {place.new}]{place.after}"


def _view(found: Replacement) -> dict[str, Any]:
    return {
        "record_id": found.record.id,
        "title": found.record.title,
        "places": [
            {
                "start_seconds": seconds(place.start_ms),
                "before": place.before,
                "found": place.found,
                "new": place.new,
                "after": place.after,
            }
            for place in found.places
        ],
    }
