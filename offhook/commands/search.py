"""`offhook search`: the moments at which words were said, and who said them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click

from archive.formats.times import moment
from offhook.commands.options import filled, json_option, limit_option, pass_desk
from offhook.commands.printing import print_json, say, warn
from offhook.desk.desk import Desk
from offhook.desk.searching import Hit, Wanted, find
from shared.words import milliseconds

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--speaker", metavar="NAME", callback=filled, help="Said by this speaker.")
@click.option("--candidate", "candidate_id", metavar="ID", callback=filled, help="In calls with them.")
@click.option("--project", "project_id", metavar="ID", callback=filled, help="In calls about it.")
@click.option("--since", metavar="DATE", type=_DAY, help="In recordings of this day (2026-11-30) or later.")
@click.option("--until", metavar="DATE", type=_DAY, help="In recordings of this day or earlier.")
@limit_option
@json_option
@pass_desk
def search(
    desk: Desk,
    words: tuple[str, ...],
    speaker: str | None,
    candidate_id: str | None,
    project_id: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """Find the moments at which all of these words were said; `word*` finds beginnings."""
    wanted = Wanted(speaker, candidate_id, project_id, since, until)
    hits = find(desk, " ".join(words), limit, wanted)
    if as_json:
        print_json({"hits": [{**asdict(hit.moment), "name": hit.name} for hit in hits]})
    for hit in [] if as_json else hits:
        say(_line(hit))
    if not hits and not as_json:
        warn("Nothing found.")


def _line(hit: Hit) -> str:
    it = hit.moment
    title = f"{it.title}, {hit.name}" if hit.name else it.title
    return f"{it.record_id:>5}  {moment(milliseconds(it.moment_seconds))}  {title}: {it.snippet}"
