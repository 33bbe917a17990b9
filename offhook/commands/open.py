"""`offhook open`: opens the desk in the browser, signed in."""

from __future__ import annotations

import os
import sys
import webbrowser
from contextlib import suppress
from html import escape
from pathlib import Path

import click

from archive.library import write_whole
from offhook.commands.options import pass_desk
from offhook.commands.printing import say
from offhook.desk.access import address, sign_in_link
from offhook.desk.desk import Desk

NAME = "open-desk-{}.html"
#: Other users of the machine see the arguments of a browser, so it gets a private file instead of the link.
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>offhook</title>
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={link}">
<p><a href="{link}">Open offhook</a></p>
</html>
"""


@click.command("open")
@click.argument("record_id", metavar="[ID]", type=int, required=False)
@click.option("--print", "only_print", is_flag=True, help="Print a link instead; it works once.")
@pass_desk
def open_desk(desk: Desk, record_id: int | None, only_print: bool) -> None:
    """Open the desk in the browser, signed in; with ID, the page of that recording."""
    if record_id is not None:
        desk.store.records.get(record_id)
    link = sign_in_link(desk, f"/records/{record_id}" if record_id is not None else "/")
    if only_print or not _has_screen() or not webbrowser.open(_page(desk.settings.home, link).as_uri()):
        say(link)
    else:
        say(f"The desk is at {address(desk)}; the browser opens it now.")


def _page(home: Path, link: str) -> Path:
    """Write the page that leads to the desk; those of earlier times go, as their links are used up."""
    for old in home.glob(NAME.format("*")):
        with suppress(OSError):
            old.unlink()
    path = home / NAME.format(os.getpid())
    write_whole(path, PAGE.format(link=escape(link)))
    return path


def _has_screen() -> bool:
    """Whether a browser with windows can open; otherwise one of the terminal might."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
