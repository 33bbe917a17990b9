"""`offhook token`: tokens with which programs use the desk, and workstations hand their calls over."""

from __future__ import annotations

from typing import Any

import click

from offhook.commands.options import filled, json_option, pass_desk
from offhook.commands.printing import print_json, say, warn
from offhook.commands.wording import ago
from offhook.desk.access import (
    LONGEST_NAME,
    SCOPES,
    NewToken,
    create_token,
    create_workstation_token,
    revoke_token,
    tokens,
)
from offhook.desk.desk import Desk
from shared.store.access import ALL, OWN, READ, WORKSTATION, Access
from shared.times import iso

DAY_SECONDS = 86_400.0


@click.group()
def token() -> None:
    """Make, list and revoke the tokens with which programs use the desk, and workstations their server."""


@token.command()
@click.argument("name", required=False, default="")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help=f"What the token is good for; give it twice for both (default: {READ}).",
)
@click.option("--person", "owner", metavar="NAME", callback=filled, help="The person whose calls it sees.")
@click.option(
    "--workstation", is_flag=True, help="Make it for a workstation, which hands over the person's calls."
)
@click.option(
    "--sees", type=click.Choice((OWN, ALL)), help=f"The calls that the workstation sees (default: {OWN})."
)
@click.option(
    "--expires",
    "days",
    type=click.IntRange(1, 3650),
    metavar="DAYS",
    help="It opens nothing after so many days.",
)
@json_option
@pass_desk
def create(
    desk: Desk,
    name: str,
    scopes: tuple[str, ...],
    owner: str | None,
    workstation: bool,
    sees: str | None,
    days: int | None,
    as_json: bool,
) -> None:
    """Make a token called NAME and print it, once; that of a workstation needs no name."""
    _refuse_mixed(workstation, scopes, owner, sees)
    if len(name) > LONGEST_NAME or not (name.strip() or workstation):
        raise click.BadParameter(f"give 1 to {LONGEST_NAME} characters.", param_hint="NAME")
    person = desk.store.people.get(owner) if owner else None
    lives_seconds = days * DAY_SECONDS if days else None
    if workstation and person:
        made = create_workstation_token(desk, name.strip(), person, sees or OWN, lives_seconds)
    else:
        made = create_token(
            desk, name.strip(), tuple(dict.fromkeys(scopes)) or (READ,), person, lives_seconds
        )
    _print(desk, made, as_json)


@token.command("list")
@json_option
@pass_desk
def list_tokens(desk: Desk, as_json: bool) -> None:
    """List the tokens: their names, scopes and last use, never the tokens themselves."""
    found = tokens(desk)
    if as_json:
        print_json({"tokens": [_listed(desk, it) for it in found]})
        return
    for each in found:
        used = f"used {ago(iso(each.last_used_at))}" if each.last_used_at else "never used"
        say(f"{each.id:>4}  {each.name}  ({_described(desk, each)})  {used}")
    if not found:
        say("There are no tokens. `offhook token create NAME` makes one.")


@token.command()
@click.argument("token_id", metavar="ID", type=int)
@pass_desk
def revoke(desk: Desk, token_id: int) -> None:
    """End a token at once."""
    revoke_token(desk, token_id)
    say(f"Token {token_id} opens nothing any more.")


def _refuse_mixed(workstation: bool, scopes: tuple[str, ...], owner: str | None, sees: str | None) -> None:
    """Refuse options that do not go together. Raises UsageError."""
    if workstation and owner is None:
        raise click.UsageError("Give --person: the person whose calls the workstation hands over.")
    if workstation and scopes:
        raise click.UsageError("--scope is for programs. --sees says which calls a workstation sees.")
    if sees and not workstation:
        raise click.UsageError("--sees is for workstations.")


def _print(desk: Desk, made: NewToken, as_json: bool) -> None:
    if as_json:
        print_json({**_view(desk, made.access), "token": made.secret})
        return
    warn(f"Token {made.access.id} for {made.access.name}. Keep it: it cannot be shown again.")
    say(made.secret)


def _described(desk: Desk, found: Access) -> str:
    seen = _listed(desk, found)
    what = f"workstation {seen['workstation'] or 'that has not joined'}; {found.scopes}"
    known = what if found.kind == WORKSTATION else found.scopes
    return f"{known}; {seen['person']}" if seen["person"] else known


def _listed(desk: Desk, found: Access) -> dict[str, Any]:
    used = {"workstation": found.workstation, "last_used_at": iso(found.last_used_at)}
    return {**_view(desk, found), **used}


def _view(desk: Desk, found: Access) -> dict[str, Any]:
    person = None if found.person_id is None else desk.store.people.find(found.person_id)
    return {
        "id": found.id,
        "kind": found.kind,
        "name": found.name,
        "person": person.name if person else None,
        "scopes": found.scopes.split(),
        "created_at": iso(found.created_at),
        "expires_at": iso(found.expires_at),
    }
