"""`offhook person`: the people of a team's server, their roles and passwords."""

from __future__ import annotations

from typing import Any

import click

from offhook.commands.options import filled, json_option, pass_desk
from offhook.commands.password import asked_or_read
from offhook.commands.printing import confirm, print_json, say, warn
from offhook.desk import people, person_password
from offhook.desk.access import tokens
from offhook.desk.desk import Desk
from shared.store.people import MEMBER, ROLES, Person
from shared.store.view import MACHINE
from shared.times import iso

_ROLE = click.Choice(ROLES)


@click.group()
def person() -> None:
    """Add, list and change the people who use this home together."""


@person.command()
@click.argument("name")
@click.option("--role", type=_ROLE, default=MEMBER, show_default=True, help="What the person may do.")
@click.option("--shown-name", metavar="TEXT", callback=filled, help="How the person is called.")
@click.option("--generate", is_flag=True, help="Make a password and print it.")
@click.option("--no-password", is_flag=True, help="Give no password: the person has tokens alone.")
@pass_desk
def add(desk: Desk, name: str, role: str, shown_name: str | None, generate: bool, no_password: bool) -> None:
    """Add a person; the password is asked for twice, or read from standard input."""
    is_first = not desk.store.people.are_there()
    password = None if no_password else _password(name, generate)
    added = people.add(desk, MACHINE, name, role, shown_name or "", password)
    say(f"{added.name} is added as {added.role}.")
    if is_first:
        warn("This home is a team's now. The desk asks for name and password; every browser is signed out.")
        if any(it.person_id is None for it in tokens(desk)):
            warn("Tokens that were made before still see everything: `offhook token list`.")
    if not people.has_admin(desk):
        warn("There is no admin yet: `offhook person role NAME admin`.")
    _print_made(password if generate else None)


@person.command("list")
@json_option
@pass_desk
def list_people(desk: Desk, as_json: bool) -> None:
    """List the people and their roles."""
    found = desk.store.people.every()
    if as_json:
        print_json({"people": [_view(it) for it in found]})
        return
    for each in found:
        shown = f"  {each.shown_name}" if each.shown_name != each.name else ""
        say(f"{each.name}  ({each.role}){shown}{'  disabled' if each.disabled_at is not None else ''}")
    if not found:
        say("There are no people. `offhook person add NAME --role admin` adds the first one.")


@person.command()
@click.argument("name")
@click.option("--generate", is_flag=True, help="Make a password and print it.")
@pass_desk
def password(desk: Desk, name: str, generate: bool) -> None:
    """Set a person's password; it is asked for twice, or read from standard input."""
    made = _password(desk.store.people.get(name).name, generate)
    found = people.set_password(desk, MACHINE, name, made)
    say(f"The password of {found.name} is set; {found.name} is signed out everywhere.")
    _print_made(made if generate else None)


@person.command()
@click.argument("name")
@click.argument("role", type=_ROLE)
@pass_desk
def role(desk: Desk, name: str, role: str) -> None:
    """Give a person another role."""
    found = people.set_role(desk, MACHINE, name, role)
    say(f"{found.name} is {role} now, and has to sign in again.")


@person.command()
@click.argument("name")
@pass_desk
def disable(desk: Desk, name: str) -> None:
    """Let a person do nothing any more; tokens of that person open nothing until `enable`."""
    say(f"{people.disable(desk, MACHINE, name).name} is disabled.")


@person.command()
@click.argument("name")
@pass_desk
def enable(desk: Desk, name: str) -> None:
    """Let a disabled person sign in again."""
    say(f"{people.enable(desk, MACHINE, name).name} can sign in again.")


@person.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_desk
def remove(desk: Desk, name: str, yes: bool) -> None:
    """Remove a person and the person's tokens; the calls stay, for leads and admins to see."""
    found = desk.store.people.get(name)
    if not yes:
        question = f"Remove {found.name}? The calls stay, and only leads and admins see them then."
        confirm("person remove", question, asks="it removes")
    say(f"{people.remove(desk, MACHINE, name).name} is removed.")


def _password(name: str, generate: bool) -> str:
    return person_password.generated() if generate else asked_or_read(f"New password for {name}: ")


def _print_made(password: str | None) -> None:
    if password is not None:
        warn("The password, which cannot be shown again:")
        say(password)


def _view(found: Person) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "shown_name": found.shown_name,
        "role": found.role,
        "has_password": found.password is not None,
        "created_at": iso(found.created_at),
        "disabled_at": iso(found.disabled_at),
    }
