"""`offhook machines`: the machines of a team, and which of them take recordings."""

from __future__ import annotations

from typing import Any

import click
from rich.console import RenderableType
from rich.table import Table

from offhook.commands.drawing import cell, show
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, say
from offhook.commands.wording import ago, counted
from offhook.desk.desk import Desk
from offhook.desk.machines import DRAINED, DRAINING, READY, SILENT
from offhook.desk.machines import machines as all_machines

COLOURS = {READY: "green", DRAINING: "yellow", DRAINED: "yellow", SILENT: "red"}
SHOWN_DIGITS = 8


@click.group()
def machines() -> None:
    """Show the machines that transcribe for this database, and drain them for maintenance."""


@machines.command("list")
@json_option
@pass_desk
def list_machines(desk: Desk, as_json: bool) -> None:
    """List the machines: what each is doing, and what it has."""
    found = all_machines(desk)
    if as_json:
        print_json({"machines": found})
    elif found:
        show(table(found))
    else:
        say("No machine has transcribed for this database yet. Start a worker: python start.py")


@machines.command()
@click.argument("machine")
@pass_desk
def drain(desk: Desk, machine: str) -> None:
    """Let MACHINE finish what it has and take no further recordings, until it is undrained."""
    found = desk.store.machines.named(machine)
    desk.store.machines.drain(found.host)
    left = desk.store.machines.claimed().get(found.host, 0)
    has = f"It finishes {counted(left, 'recording')}." if left else "It has none."
    say(f"{found.name} takes no further recordings. {has}")


@machines.command()
@click.argument("machine")
@pass_desk
def undrain(desk: Desk, machine: str) -> None:
    """Let MACHINE take recordings again."""
    found = desk.store.machines.named(machine)
    desk.store.machines.undrain(found.host)
    say(f"{found.name} takes recordings again.")


@machines.command()
@click.argument("machine")
@pass_desk
def forget(desk: Desk, machine: str) -> None:
    """Remove MACHINE, which does not come back, from the list."""
    found = desk.store.machines.named(machine)
    desk.store.machines.forget(found.host)
    say(f"{found.name} is forgotten.")


def table(found: list[dict[str, Any]]) -> RenderableType:
    """Lay machines out for a person."""
    laid = Table(box=None, show_header=False, padding=(0, 1))
    for each in found:
        at_work = f"{each['transcribing']} of {each['workers']}"
        laid.add_row(
            cell(f"  {each['name']}"),
            cell(each["host"][:SHOWN_DIGITS], "dim"),
            cell(each["state"], COLOURS[each["state"]]),
            cell(at_work),
            cell(each["device"]),
            cell(", ".join(each["models"]) or "no model", "dim"),
            cell(f"seen {ago(each['last_seen_at'])}", "dim"),
        )
    return laid
