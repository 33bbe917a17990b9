"""`offhook autostart`: start offhook at login, or not any more."""

from __future__ import annotations

from dataclasses import asdict

import click

from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, say
from offhook.desk.autostart import this_system
from offhook.desk.autostart.job import Status, run, start_py
from offhook.desk.desk import Desk


@click.group()
def autostart() -> None:
    """Start offhook at login, or not any more."""


@autostart.command()
@pass_desk
def on(desk: Desk) -> None:
    """Start offhook at every login of yours."""
    say(_in_words(this_system().switch_on(start_py(desk.settings.home), run)))


@autostart.command()
def off() -> None:
    """Start it no longer, and leave nothing behind."""
    this_system().switch_off(run)
    say("offhook does not start at login.")


@autostart.command()
@json_option
def status(as_json: bool) -> None:
    """Say whether offhook starts at login."""
    found: Status = this_system().status(run)
    if as_json:
        print_json(asdict(found))
        return
    say(_in_words(found))


def _in_words(found: Status) -> str:
    if not found.enabled:
        return "offhook does not start at login."
    return f"offhook starts at login: {found.how}{f', {found.path}' if found.path else ''}"
