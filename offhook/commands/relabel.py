"""`offhook relabel`: say again who spoke, from what is stored of recordings."""

from __future__ import annotations

import click

from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, say
from offhook.commands.wording import counted
from offhook.desk.desk import Desk
from offhook.desk.relabelling import relabel as make_again
from shared.store.transitions import COMPLETED


@click.command()
@click.argument("record_ids", metavar="[ID...]", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All finished recordings.")
@json_option
@pass_desk
def relabel(desk: Desk, record_ids: tuple[int, ...], everything: bool, as_json: bool) -> None:
    """Find out again who said which words, without the model; what persons said of it stays."""
    if everything == bool(record_ids):
        raise click.UsageError("Give recordings, or --all.")
    given = [desk.store.records.get(record_id) for record_id in dict.fromkeys(record_ids)]
    done = {record.id: make_again(desk, record) for record in given or desk.store.records.every(COMPLETED)}
    changed = [record_id for record_id, is_changed in done.items() if is_changed]
    if as_json:
        print_json({"recordings": len(done), "changed": changed})
        return
    for record_id in () if everything else changed:
        say(f"Recording {record_id}: other speakers now")
    say(f"{counted(len(done), 'recording')} labelled again, {len(changed):,} with other speakers now.")
