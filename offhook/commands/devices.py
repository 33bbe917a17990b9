"""`offhook devices`: what can be recorded, and what would be."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from offhook.commands.drawing import cell, show, table
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, warn
from offhook.desk.desk import Desk
from shared.capture_errors import AudioUnavailable, NoDevice


@click.command()
@json_option
@pass_desk
def devices(desk: Desk, as_json: bool) -> None:
    """List the microphones and loopbacks, and mark those that would be recorded."""
    from capture_worker.devices import check_devices, substitutes

    wanted = {"microphone": desk.settings.microphone, "loopback": desk.settings.loopback}
    found = check_devices(wanted)
    if as_json:
        print_json(found)
        return
    if found["reason"]:
        raise AudioUnavailable(found["reason"])
    if not found["devices"]:
        raise NoDevice("There is no audio device. Plug one in, and look again.")
    show(_table(found))
    for side in ("microphone", "loopback"):
        if found[side] is None:
            warn(f"No {side} would be recorded.")
    for message in substitutes(wanted, found).values():
        warn(message)


def _table(found: dict[str, Any]) -> Table:
    listed = table("", "Side", "Device", "Rate", "Channels")
    chosen = [found["microphone"], found["loopback"]]
    for device in found["devices"]:
        mark = cell("●" if device in chosen else "", "green")
        rate = f"{device['rate_hz'] / 1000:g} kHz"
        listed.add_row(mark, device["side"], cell(device["name"]), rate, str(device["channels"]))
    return listed
