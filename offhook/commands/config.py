"""`offhook config`: every setting, its value and where it comes from."""

from __future__ import annotations

import os
from dataclasses import fields

import click

from offhook.commands.drawing import cell, show, table
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, say
from offhook.desk.desk import Desk
from shared.settings import Settings
from shared.settings_sources import load_with_sources
from shared.urls import masked


@click.command()
@json_option
@pass_desk
def config(desk: Desk, as_json: bool) -> None:
    """List every setting, its value and where it comes from."""
    docs = {f.name: f.metadata["doc"] for f in fields(Settings)}
    found = load_with_sources(os.environ, desk.overrides)
    if as_json:
        entries = {
            name: {"value": _plain(entry.value), "source": entry.source, "doc": docs[name]}
            for name, entry in found.items()
        }
        print_json({"file": str(desk.settings.home / "config.toml"), "settings": entries})
        return
    listed = table("Setting", "Value", "From", "What it does")
    for name, entry in found.items():
        listed.add_row(*map(cell, (name, _shown(entry.value), entry.source, docs[name])))
    show(listed)
    say("", f"Change a setting in {desk.settings.home / 'config.toml'}, or as OFFHOOK_NAME=value.")


def _plain(value: object) -> object:
    return value if isinstance(value, (bool, int, float)) else masked(str(value))


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else masked(str(value))
