"""`offhook join`, `leave` and `outbox`: a workstation and the team's server that transcribes for it."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

import click

from offhook.commands.drawing import cell, show, table
from offhook.commands.options import json_option, limit_option, pass_desk
from offhook.commands.printing import confirm, print_json, say, warn
from offhook.commands.wording import counted
from offhook.desk import joining
from offhook.desk.desk import Desk
from offhook.desk.team_server import item_views, server_view, trouble
from shared.store.outbox_states import REFUSED, SENDING

COLOURS = {"waiting": "yellow", "sending": "cyan", "sent": "cyan", "received": "green", "refused": "red"}


@click.command()
@click.argument("url")
@click.option("--token", help="The token of this workstation (default: asked for, or read from stdin).")
@click.option(
    "--certificate",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="PEM file of the authority to trust, instead of those of the system.",
)
@click.option("--send-existing", is_flag=True, help="Send the recordings that are finished here as well.")
@pass_desk
def join(desk: Desk, url: str, token: str | None, certificate: Path | None, send_existing: bool) -> None:
    """Hand recordings to the team's server at URL, which transcribes them from now on."""
    made = joining.join(desk, url, token or _token(), certificate, send_existing=send_existing)
    say(f"Joined {made.server.name} ({made.server.url}) as {made.server.person}.")
    say("Recordings are transcribed there from now on; their transcripts come back here.")
    if not desk.settings.keep_sent:
        say("A recording is deleted here once the server has it. The setting keep_sent keeps it.")
    if made.waiting:
        say(f"{counted(made.waiting, 'recording')} that waited here will be sent.")
    if made.staying:
        say(
            f"{counted(made.staying, 'finished recording')} will not be sent. "
            "Join again with --send-existing to send what is finished, too."
        )
    if not desk.runs("outbox"):
        warn("The outbox does not run, so nothing is sent yet. Start it: python start.py")


@click.command()
@click.option("--yes", is_flag=True, help="Leave without being asked.")
@pass_desk
def leave(desk: Desk, yes: bool) -> None:
    """Leave the server: recordings are transcribed here again. The server keeps what it has."""
    going = joining.departure(desk)
    meaning = [
        (going.unsent, f"{counted(going.unsent, 'recording')} will be transcribed here."),
        (going.only_there, f"{counted(going.only_there, 'recording')} can only be heard at the server."),
        (going.lost, f"{going.lost:,} of them have no transcript yet, and will get none here."),
        (going.deletions, f"{counted(going.deletions, 'call')} deleted here will stay at the server."),
    ]
    told = [text for count, text in meaning if count]
    if not yes and told:
        confirm("leave", *told, f"Leave {going.server.name}?", asks="it leaves")
    joining.leave(desk)
    say(*told, f"Left {going.server.name}. Its token is forgotten here.")


@click.command()
@click.option("--all", "with_received", is_flag=True, help="List also what has come back.")
@limit_option
@json_option
@pass_desk
def outbox(desk: Desk, with_received: bool, limit: int, as_json: bool) -> None:
    """List what is on its way to the team's server and back, the newest first."""
    server = server_view(desk)
    items = list(item_views(desk, desk.store.outbox.newest(limit, with_received=with_received)))
    if as_json:
        print_json({"server": server, "recordings": items})
        return
    if server is None:
        warn("No server is joined; recordings are transcribed here. `offhook join` joins one.")
    elif said := trouble(server):
        warn(said)
    _print(items, server)


def _print(items: list[dict[str, Any]], server: dict[str, Any] | None) -> None:
    if items:
        listed = table("ID", "Title", "State", "At the server", "Error")
        for item in items:
            error = item["error"] or item["server_error"] or ""
            state = cell(_state(item), COLOURS.get(item["state"], "red"))
            listed.add_row(str(item["id"]), cell(item["title"]), state, cell(_there(item)), cell(error))
        show(listed)
    elif server:
        warn(f"Nothing waits for {server['name']}.")


def _state(item: dict[str, Any]) -> str:
    if item["state"] != SENDING:
        return str(item["state"])
    return f"{item['state']} {item['sent_bytes'] / max(1, item['size_bytes'] or 0):.0%}"


def _there(item: dict[str, Any]) -> str:
    status = item["server_status"]
    if status is None or item["state"] == REFUSED:
        return ""
    return f"{status} {item['server_progress']:.0%}" if status == "processing" else str(status)


def _token() -> str:
    """Ask for the token without showing it, or read a line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass("Token of this workstation: ")
    return sys.stdin.readline(joining.LONGEST_TOKEN + 2)
