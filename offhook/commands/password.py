"""`offhook password`: the password with which a person signs in to the desk from another machine."""

from __future__ import annotations

import getpass
import sys

import click

from offhook.commands.options import pass_desk
from offhook.commands.printing import say
from offhook.desk.desk import Desk
from offhook.desk.password import LONGEST, UnfitPassword, remove_password, set_password
from shared.errors import SettingsError


@click.command()
@click.option("--remove", is_flag=True, help="Remove the password.")
@pass_desk
def password(desk: Desk, remove: bool) -> None:
    """Set the password for the desk; it is asked for twice, or read from standard input."""
    if remove:
        there = remove_password(desk)
        say("The password is removed; every browser is signed out." if there else "There is no password.")
        return
    if desk.store.people.are_there():
        raise SettingsError("People sign in with a name here: `offhook person password NAME`.")
    set_password(desk, asked_or_read("New password for the desk: "))
    say("The password is set; every browser is signed out.")


def asked_or_read(question: str) -> str:
    """Ask for a new password twice, or read a line of standard input. Raises SettingsError, UnfitPassword."""
    return _asked(question) if sys.stdin.isatty() else _read()


def _asked(question: str) -> str:
    first = getpass.getpass(question)
    if getpass.getpass("Once more: ") != first:
        raise SettingsError("The two passwords differ. Nothing is changed.")
    return first


def _read() -> str:
    """Read a line of standard input. Raises UnfitPassword."""
    line = sys.stdin.readline(LONGEST + 2)
    if len(line) > LONGEST + 1:
        raise UnfitPassword
    return line.rstrip("\r\n")
